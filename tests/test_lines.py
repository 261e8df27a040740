"""Lines of a run's files: numbered, checked; what does not fit is told, counted and left out."""

import json
import random
import shutil

import pytest

from gainakt.store import RunFolder, Store, runs_root
from gainakt.store.lines import as_line, last_number, sealed
from gainakt.training.requests import Malformed, parsed
from tests.pages import draw, write_run


@pytest.fixture
def folder(tmp_path):
    with RunFolder.create(tmp_path, name="first", preset="corrected", config={"data": {}}) as made:
        for step in range(1, 10):
            made.append({"kind": "step", "step": step, "epoch": 1, "values": {"loss": 0.5 + step}})
        yield made


def steps(folder):
    return [row["step"] for row in folder.lines(0).rows if row["kind"] == "step"]


def numbers(folder):
    return [json.loads(line)["n"] for line in folder.journal.read_bytes().splitlines()]


def lines_of(folder):
    return folder.journal.read_bytes().splitlines(keepends=True)


def write(folder, lines):
    folder.journal.write_bytes(b"".join(lines))


def test_rows_are_numbered_whoever_writes_them_and_come_back_as_they_were(folder):
    other = RunFolder(folder.folder.parent, folder.run_id)
    other.append({"kind": "renamed", "name": "x"})
    folder.append({"kind": "step", "step": 10, "epoch": 1, "values": {}})
    other.append({"kind": "renamed", "name": "y"})
    assert numbers(folder) == list(range(1, 14))
    found = folder.lines(0)
    assert (found.faults, found.unfit, len(found.rows)) == ([], 0, 13)
    assert all("n" not in row and "crc" not in row for row in found.rows)
    middle = len(b"".join(lines_of(folder)[:6]))
    assert folder.lines(middle).faults == [] and folder.lines(middle).rows == found.rows[6:]


def test_every_flipped_bit_of_a_line_is_told(folder):
    whole, (before, after) = lines_of(folder), (folder.lines(0).rows[4], folder.lines(0).rows[6])
    line = whole[5]
    for bit in range(8 * (len(line) - 1)):
        spoiled = bytearray(line)
        spoiled[bit // 8] ^= 1 << bit % 8
        write(folder, [*whole[:5], bytes(spoiled), *whole[6:]])
        found = folder.lines(0)
        assert found.faults and found.unfit >= 1, bit
        kept = [row for row in found.rows if row["kind"] != "damaged"]
        assert len(kept) == 9 and kept[4] == before and kept[5] == after


CASES = {
    "lost": (lambda rows: rows[:5] + rows[6:], 1, "row 6 is missing before row 7"),
    "three lost": (lambda rows: rows[:5] + rows[8:], 3, "3 rows are missing before row 9"),
    "doubled": (lambda rows: rows[:6] + rows[5:], 1, "row 6 stands again after row 6"),
    "first lost": (lambda rows: rows[1:], 1, "row 1 is missing before row 2"),
    "bytes deleted": (lambda rows: [*rows[:5], rows[5][:20] + rows[5][40:], *rows[6:]], 1, "after row 5 cannot"),
    "end of line lost": (lambda rows: [*rows[:5], rows[5][:-1] + rows[6], *rows[7:]], 2, "after row 5 cannot be read"),
    "another run's": (lambda rows: [*rows[:5], rows[5].replace(b"5.5", b"5.6"), *rows[6:]], 1, "after row 5 cannot"),
    "whole seal lost": (lambda rows: [*rows[:5], rows[5][:-30] + b"}\n", *rows[6:]], 1, "after row 5 cannot"),
    "seal lost": (lambda rows: [*rows[:5], rows[5].replace(b', "crc', b', "crd'), *rows[6:]], 1, "after row 5 cannot"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_does_not_fit_is_named_counted_and_left_out(tmp_path, folder, case):
    change, unfit, said = CASES[case]
    write(folder, change(lines_of(folder)))
    found = folder.lines(0)
    assert found.unfit == unfit and said in found.faults[0]
    expected = [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert steps(folder) == sorted(set(steps(folder))) and set(steps(folder)) <= set(expected)
    with Store.open(":memory:", runs=tmp_path) as store:
        store.take_in()
        assert said in store.warnings[0] and folder.run_id in store.warnings[0] and len(store.warnings) == 1
        assert store.run(folder.run_id).damaged_rows == unfit
        assert store.take_in() == 0 and len(store.warnings) == 1
        folder.append({"kind": "step", "step": 99, "epoch": 1, "values": {}})  # the writer goes on
        store.take_in()
        assert store.run(folder.run_id).step == 99 and store.run(folder.run_id).damaged_rows == unfit


def test_a_journal_of_before_is_read_and_continued(tmp_path, folder):
    old = [as_line({k: v for k, v in json.loads(line).items() if k not in ("n", "crc")}) for line in lines_of(folder)]
    folder.close()
    write(folder, old)
    assert steps(folder) == list(range(1, 10)) and folder.lines(0).faults == []
    folder.append({"kind": "step", "step": 10, "epoch": 1, "values": {}})
    folder.append({"kind": "step", "step": 11, "epoch": 1, "values": {}})
    assert steps(folder) == list(range(1, 12)) and folder.lines(0).faults == []
    assert json.loads(lines_of(folder)[-1])["n"] == 2


def test_a_torn_line_costs_no_number(folder):
    with folder.journal.open("ab") as file:
        file.write(b'{"kind": "st')
    folder.append({"kind": "step", "step": 10, "epoch": 1, "values": {}})
    assert steps(folder) == list(range(1, 11))
    assert folder.lines(0).faults == ["a line after row 10 cannot be read"]


def test_the_last_number_is_found_behind_any_amount_of_rubbish(tmp_path):
    for rubbish in (b"", b"\n", b"x" * 50, b"x" * (2**20 - 30), b"x" * 3 * 2**20):
        place = tmp_path / "x"
        place.write_bytes(sealed(b'{"kind": "a"}', 7) + rubbish)
        with place.open("rb") as file:
            assert last_number(file.fileno(), place.stat().st_size) == 7


def test_a_journal_that_became_shorter_is_told_and_nothing_is_lost_from_the_store(tmp_path, folder):
    with Store.open(":memory:", runs=tmp_path) as store:
        store.take_in()
        whole = lines_of(folder)
        write(folder, whole[:-2])
        store.take_in()
        assert "shorter" in store.warnings[0] and store.run(folder.run_id).step == 9


def test_a_damaged_request_is_refused_where_it_was_made(folder):
    folder.request("weights.variance", 50.0, "anna")
    folder.request_stop("anna")
    folder.control.write_bytes(folder.control.read_bytes().replace(b"50.0", b"51.0"))
    refused, ended = parsed(folder.requests(0)[0])
    assert isinstance(refused, Malformed) and "damaged" in refused.reason and ended.kind == "stop"
    by_hand = '{"kind": "set", "field": "weights.im", "value": 1, "who": "me"}\n'
    with folder.control.open("a") as file:
        file.write(by_hand)
    assert isinstance(list(parsed(folder.requests(0)[0]))[2], Malformed)
    folder.control.write_text(by_hand)  # nothing but such lines, as files from before have
    assert next(iter(parsed(folder.requests(0)[0]))).field == "weights.im"


NASTY = (None, True, -1, 0, 2**53 - 1, 2**63, 10**400, 1e308, -1e308, "", "x" * 3000, "\ud800", "\x00", "<b>b</b>",
         [], {}, [None], {"a": 1}, "🙂")  # fmt: skip


def places(value, path=()):
    """The paths of all values in a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from places(item, (*path, key))


def odd(rows, draw):
    """Rows of which one value of three of them, whatever it is, is another one."""
    rows = json.loads(json.dumps(rows))
    for _ in range(3):
        row = draw.choice([one for one in rows if one["kind"] != "step"] if draw.random() < 0.8 else rows)
        *way, last = draw.choice([place for place in places(row) if place != ("kind",)])
        for key in way:
            row = row[key]
        row[last] = draw.choice(NASTY)
    return rows


def odd_runs(store, count, seed):
    """Runs with wrongly typed, huge and unspeakable values, written with valid checksums."""
    draw = random.Random(seed)
    for _ in range(count):
        end = draw.choice(["running", "finished", "failed", "interrupted"])
        source = RunFolder(runs_root(store), write_run(store, "odd", end=end))
        rows = odd(source.lines(0).rows, draw)
        shutil.rmtree(source.folder)
        folder = RunFolder.create(runs_root(store), name="odd", preset="corrected", config={})
        folder.journal.unlink()
        folder.close()
        for row in rows:
            folder.append(row)
        folder.close()


def test_no_value_of_a_journal_breaks_a_page(page_store):
    odd_runs(page_store, 6, 1)
    whole = write_run(page_store, "whole", end="finished")
    draw("app.py")
    with Store.open(page_store) as store:
        store.take_in()
        runs = store.runs()["run_id"].tolist()
    assert whole in runs
    draw("pages/2_Runs.py")
    for run in runs:
        draw("pages/3_Run.py", run=run)
