"""The published records: their figures are the seed's, and they are runs like any other that no one can change."""

import re

import pytest

from gainakt import reference
from gainakt.analysis.runs.table import read
from gainakt.errors import InputError
from gainakt.store import Store, open_for_reading, runs_root

V3 = "00000000-970206-0206"


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "x.duckdb"
    for _ in range(2):  # placing them again changes nothing
        reference.place(runs_root(path))
    with Store.open(path) as store:
        store.take_in()
        yield store


def figures(record):
    """Every number of a record that is a measurement."""
    for values in record["results"].values():
        yield from values.values()
    for point in record["course"]:
        yield from point["values"].values()
        for part in point["parameters"].values():
            yield from part.values()


@pytest.mark.parametrize("record", reference.records(), ids=lambda record: record["run_id"])
def test_every_figure_stands_in_the_seed(record, seed_text):
    assert record["run_id"].split("-")[1] in seed_text
    stated = {float(number) for number in re.findall(r"\d+\.\d+|\d+", seed_text)}
    for figure in figures(record):
        assert float(figure) in stated, figure


def test_they_are_runs_with_missing_values_missing(store):
    assert store.runs().empty
    table = store.runs(published=True).set_index("run_id")
    assert len(table) == 3 and set(table["status"]) == {"finished"} and set(table["preset"]) == {"published"}
    v3 = table.loc[V3]
    assert (v3["encoder1_auc"], v3["encoder2_auc"], v3["gain_std"]) == (0.6593, 0.5903, 0.00182)
    assert table.loc["00000000-820618-0618"].isna()[["encoder1_auc", "response_gain_ratio", "created", "seconds"]].all()
    run = store.run("00000000-970206")
    assert run.published and run.epochs == 14 and (run.best_encoder1, run.best_encoder2) == (4, 4)
    assert run.damaged_rows == 0 and run.created is None and not run.active
    standing = read(store, ["standing"])["standing"]
    assert set(standing) == {"not tested"}  # one says nothing of its epochs, which does not make it untrained
    assert len(store.runs("970206", published=True)) == 1 and len(store.runs(published=None)) == 3


def test_both_values_of_the_im_loss_are_kept_and_marked(store):
    metrics = store.metrics([V3])
    values = {name: value for split, name, value in zip(*(metrics[c] for c in ("split", "name", "value")), strict=True)
            if split == "train" and name.startswith("im")}  # fmt: skip
    assert values == {"im": 0.555, "im_second_table": 0.602}
    assert "contradicts itself" in store.run(V3).reason


def test_their_course_can_be_overlaid(store):
    series = store.series([V3], ["validation.encoder2_auc", "loss.im"])
    assert series["value"].tolist() == [0.608, 0.602, 0.593, 0.583, 0.593, 0.582]
    learned = store.parameters([V3])
    beta = learned[learned["name"] == "beta"]
    assert beta["mean"].tolist() == [1.962, 1.608]


def test_they_cannot_be_renamed_or_evaluated(store, tmp_path):
    from gainakt.training.saved import opened

    with pytest.raises(InputError, match="published record"):
        store.annotate(V3, {"name": "mine"})
    with pytest.raises(InputError, match="published record"):
        opened(store.run(V3), runs_root(tmp_path / "x.duckdb"))


def test_a_reader_beside_the_holder_sees_them(store, tmp_path):
    store.start_intake(0.05)
    with open_for_reading(tmp_path / "x.duckdb") as reading:
        assert len(reading.runs(published=True)) == 3


def journals(root):
    return {
        record["run_id"]: (root / record["run_id"] / "journal.jsonl").read_bytes() for record in reference.records()
    }


@pytest.mark.parametrize("rows", [None, 0, 1, 2.5, 4])
def test_a_record_that_a_kill_left_incomplete_is_completed(tmp_path, rows):
    """`rows` of the journal are there, None: not even the file; the half one is torn."""
    root, path = tmp_path / "x.runs", tmp_path / "x.duckdb"
    reference.place(root)
    whole = journals(root)
    lines = whole[V3].splitlines(keepends=True)
    journal = root / V3 / "journal.jsonl"
    if rows is None:
        journal.unlink()
    else:
        journal.write_bytes(b"".join(lines[: int(rows)]) + (lines[2][:40] if rows % 1 else b""))
    with Store.open(path) as store:
        store.take_in()  # what is there is taken in before the rest comes
        reference.place(root)
        reference.place(root)
        store.take_in()
        assert journals(root) == whole and [entry.name for entry in (root / V3).iterdir()] == ["journal.jsonl"]
        assert store.run(V3).status == "finished" and store.run(V3).damaged_rows == 0
        assert store.series([V3], ["validation.encoder2_auc"])["value"].tolist() == [0.583, 0.593, 0.582]


def test_a_record_of_other_content_is_left_alone(tmp_path):
    root = tmp_path / "x.runs"
    reference.place(root)
    journal = root / V3 / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:100].replace(b"queued", b"Queued"))
    before = journals(root)
    reference.place(root)
    assert journals(root) == before
