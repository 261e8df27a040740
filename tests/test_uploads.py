"""Uploaded files are kept under names of our own, once, within limits."""

import gzip
from pathlib import Path

import pytest

from gainakt.datasets import uploads
from gainakt.errors import InputError


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("My class (2).CSV", "My-class-2.csv"),
        ("../../etc/passwd.txt", "passwd.txt"),
        (r"C:\data\test.tsv", "test.tsv"),
        ("数据.csv", "responses.csv"),
        ("a\x00b\n.parquet", "a-b.parquet"),
        ("responses.csv.gz", "responses.csv.gz"),
        ("-rf.csv", "rf.csv"),
        ("x" * 200 + "_test.csv", "x" * 30 + "-" + "x" * 24 + "_test.csv"),
    ],
)
def test_uploads_get_names_of_our_own(name: str, safe: str) -> None:
    assert uploads.safe_name(name) == safe


@pytest.mark.parametrize("name", ["class.exe", "class", ".csv.exe", "class.csv/", "page.html", ""])
def test_other_endings_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"allowed: \.csv"):
        uploads.save([(name, b"x")], tmp_path, 100)
    assert not list(tmp_path.iterdir())


def test_uploads_are_kept_once_and_as_they_came(tmp_path: Path) -> None:
    two = [("train.csv", b"a,b\n"), ("test.csv", b"c,d\n")]
    folder = uploads.save(two, tmp_path, 100)
    assert uploads.save(two, tmp_path, 100) == folder and len(list(tmp_path.iterdir())) == 1
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == dict(two)
    alike = uploads.save([("数据.csv", b"1"), ("资料.csv", b"2")], tmp_path, 100)
    assert {file.read_bytes() for file in alike.iterdir()} == {b"1", b"2"}
    one = uploads.save(two[:1], tmp_path, 100)
    assert one.is_file() and set(uploads.saved(tmp_path)) == {folder, alike, one}


def test_uploads_of_too_many_bytes_are_refused(tmp_path: Path) -> None:
    bomb = gzip.compress(bytes(uploads.MOST_UNPACKED * 1000 + 1))
    for name, content, message in (("a.csv", b"", "empty"), ("a.csv", bytes(1001), "allowed: 1,000"),
                                   ("a.csv.gz", bomb, "unpacks to more"), ("a.gz", b"no gzip", "not a whole"),
                                   ("a.gz", gzip.compress(b"abc")[:-9], "not a whole")):  # fmt: skip
        with pytest.raises(InputError, match=message):
            uploads.save([(name, content)], tmp_path, 1000)
    assert not list(tmp_path.iterdir())
