"""The table of runs: annotations, the trash, best values, seeds folded, verdicts, and how quick it is."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from gainakt.analysis.runs.fields import DEFAULT_COLUMNS, all_fields
from gainakt.analysis.runs.seeds import fold
from gainakt.analysis.runs.table import read
from gainakt.errors import InputError
from gainakt.store import RunFolder, Store, runs_root, schema, views
from gainakt.store.trash import FOLDER as TRASH
from gainakt.store.trash import KEPT_DAYS
from tests.journals import rewrite
from tests.pages import METRICS, write_run


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.duckdb"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store.open(path) as opened:
        yield opened


def untouched(path: Path, name: str, auc: float = 0.65, end: str = "finished", **changes: object) -> str:
    """A run that nobody steered."""
    results = {"test": METRICS | {"encoder2_auc": auc}}
    run_id = write_run(path, name, end, results, **changes)
    folder = RunFolder(runs_root(path), run_id)
    rewrite(folder, [row for row in folder.rows(0)[0] if row["kind"] != "changed"])
    return run_id


def test_annotations_are_in_the_journal_and_survive_the_store(path: Path) -> None:
    run_id = write_run(path, "a run", "finished")
    with Store.open(path) as store:
        store.take_in()
        store.annotate(run_id, {"tags": "b, a,, a ", "notes": " **bold** ", "favourite": True})
        store.annotate(run_id, {"name": "better", "archived": True})
    path.unlink()
    with Store.open(path) as store:
        store.take_in()
        run = store.run(run_id)
        assert (run.name, run.tags, run.notes) == ("better", ("a", "b"), "**bold**")
        assert run.favourite and run.archived and run.damaged_rows == 0
        assert store.run(run_id).status == "finished"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": " "}, "1 to 200 characters"),
        ({"tags": ["x" * 41]}, "a tag has 1 to 40"),
        ({"tags": ["a,b"]}, "no comma"),
        ({"tags": [str(n) for n in range(21)]}, "at most 20 tags"),
        ({"notes": "x" * 20_001}, "at most 20,000"),
        ({"status": "finished"}, "unknown part of an annotation"),
    ],
)
def test_a_wrong_annotation_writes_nothing(path: Path, store: Store, changes: dict, says: str) -> None:
    run_id = write_run(path)
    store.take_in()
    before = RunFolder(runs_root(path), run_id).journal.read_bytes()
    with pytest.raises(InputError, match=says):
        store.annotate(run_id, changes)
    assert RunFolder(runs_root(path), run_id).journal.read_bytes() == before


def test_delete_restore_and_what_comes_back(path: Path, store: Store) -> None:
    run_id = write_run(path, "gone", "finished")
    store.take_in()
    store.annotate(run_id, {"tags": ["kept"]})
    series = store.series([run_id], ["gain_std"])
    store.delete(run_id)
    assert store.runs().empty and [one.name for one in store.deleted()] == ["gone"]
    tables = [
        name
        for (name,) in store._rows("SELECT DISTINCT table_name FROM duckdb_columns() WHERE column_name='run_id'", {})
    ]
    assert len(tables) > 6
    for table in tables:
        assert store._rows(f"SELECT count(*) FROM {table} WHERE run_id = $id", {"id": run_id}) == [(0,)]
    with pytest.raises(InputError, match="there is no run"):
        store.run(run_id)
    assert store.restore(run_id[:-1]) == run_id
    assert store.run(run_id).tags == ("kept",) and store.deleted() == []
    pd.testing.assert_frame_equal(store.series([run_id], ["gain_std"]), series)
    with pytest.raises(InputError, match="is not in the trash"):
        store.restore(run_id)


def test_what_trains_and_what_is_published_is_not_deleted(path: Path, store: Store) -> None:
    from gainakt import reference

    reference.place(runs_root(path))
    run_id = write_run(path, "live")
    store.take_in()
    with pytest.raises(InputError, match="is running; stop it"):
        store.delete(run_id)
    published = store.runs(published=True)["run_id"].iloc[0]
    for do in (lambda: store.delete(published), lambda: store.annotate(published, {"tags": ["a"]})):
        with pytest.raises(InputError, match="published record"):
            do()
    assert len(store.runs(published=None)) == 4


def test_a_run_that_another_process_put_into_the_trash_is_forgotten(path: Path, store: Store) -> None:
    run_id = write_run(path, "a run", "finished")
    store.take_in()
    with Store.open(":memory:", runs=runs_root(path)) as other:  # as the command line does while a dashboard is open
        other.take_in()
        other.delete(run_id)
    generation = store.generation
    store.take_in()
    assert store.runs().empty and store.generation > generation
    store.take_in()
    assert store.generation == generation + 1


def test_the_trash_is_emptied_after_thirty_days_at_opening(path: Path) -> None:
    run_ids = [write_run(path, name, "finished") for name in ("old", "young")]
    with Store.open(path) as store:
        store.take_in()
        for run_id in run_ids:
            store.delete(run_id)
    about = runs_root(path) / TRASH / run_ids[0] / "deleted.json"
    stated = json.loads(about.read_text())
    about.write_text(json.dumps(stated | {"deleted": time.time() - (KEPT_DAYS + 1) * 86400}))
    (runs_root(path) / TRASH / "mine").mkdir()
    with Store.open(path) as store:
        assert [one.name for one in store.deleted()] == ["young"]
    assert (runs_root(path) / TRASH / "mine").is_dir() and not about.exists()


@pytest.mark.parametrize("version", range(1, len(schema.MIGRATIONS)))
def test_a_store_of_each_older_version_opens_with_all_that_it_had(path: Path, version: int) -> None:
    run_id = write_run(path, "old", "finished")
    with Store.open(path) as store:
        store.take_in()
        now = store.extremes(["validation.encoder2_auc"])
        columns = ", ".join(f'"{name}"' for name in store.series([run_id], []).columns)
        rows = store.series([run_id], store.names(run_id))
    path.unlink()
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE schema_versions (version INTEGER, applied DOUBLE)")
        for number, script in enumerate(schema.MIGRATIONS[:version], 1):
            connection.execute(script)
            connection.execute("INSERT INTO schema_versions VALUES (?, 0)", [number])
        size = RunFolder(runs_root(path), run_id).journal.stat().st_size
        connection.execute(
            "INSERT INTO runs (run_id, name, status, journal_offset) VALUES (?, 'old', 'finished', ?)", [run_id, size]
        )
        connection.register("arriving", rows)
        connection.execute(f"INSERT INTO series ({columns}) SELECT {columns} FROM arriving")
    with Store.open(path) as store:
        run = store.run(run_id)
        assert (run.name, run.tags, run.notes, run.favourite, run.archived) == ("old", (), None, False, False)
        pd.testing.assert_frame_equal(store.extremes(["validation.encoder2_auc"]), now)
        assert read(store, DEFAULT_COLUMNS)["name"].tolist() == ["old"]


def test_best_and_last_values_follow_the_run(path: Path, store: Store) -> None:
    folder = RunFolder(runs_root(path), write_run(path, "a run"))

    def evaluate(epoch: int, auc: float) -> None:
        values = {"validation.encoder2_auc": auc, "validation.bce": auc}
        folder.append({"kind": "evaluated", "step": 10 * epoch, "epoch": epoch, "values": values})
        store.take_in()

    for epoch, auc in ((3, 0.9), (4, 0.7)):
        evaluate(epoch, auc)
    wanted = [
        f"{name}.{end}" for name in ("encoder2_auc", "bce") for end in ("best", "best_epoch", "last", "last_epoch")
    ]
    assert read(store, wanted)[wanted].iloc[0].tolist() == [0.9, 3, 0.7, 4, 0.7, 4, 0.7, 4]
    folder.append({"kind": "resumed", "step": 20, "epoch": 3})
    store.take_in()
    assert read(store, wanted)[wanted[:4]].iloc[0].tolist() == [0.65, 1, 0.65, 2]
    evaluate(3, 0.8)
    assert read(store, wanted)[wanted[:4]].iloc[0].tolist() == [0.8, 3, 0.8, 3]
    folder.close()


def test_seeds_fold_to_what_pandas_says_of_the_runs(path: Path, store: Store) -> None:
    aucs = {0: 0.6, 1: 0.7, 2: 0.65}
    for seed, auc in aucs.items():
        untouched(path, f"wide, seed {seed}", auc, **{"training.seed": seed})
    untouched(path, "wide, seed 2", 0.68, **{"training.seed": 2})  # tried again: the newer one counts
    untouched(path, "wide, seed 3", end="failed", **{"training.seed": 3})
    untouched(path, "narrow", 0.5, **{"weights.variance": 9.0})
    steered = write_run(path, "steered", "finished", **{"training.seed": 4})
    store.take_in()
    table = read(store, ["encoder2_auc"])
    again = table.loc[table["tried_before"], "name"].tolist()
    assert again == ["wide, seed 2"] and table.loc[table["tried_before"], "origin"].tolist() == [["tried before"]]
    folded = fold(table, ["encoder2_auc"]).set_index("name")
    values = pd.Series([0.6, 0.7, 0.68])
    wide = folded.loc["wide"]
    assert (wide["n"], len(wide["runs"]), wide["status"]) == (3, 5, "mixed")
    assert wide["encoder2_auc"] == pytest.approx(values.mean())
    assert wide["encoder2_auc std"] == pytest.approx(values.std())
    assert folded.loc["narrow", "n"] == 1 and pd.isna(folded.loc["narrow", "encoder2_auc std"])
    assert folded.loc["steered", "runs"] == [steered]
    assert sorted(run_id for ids in folded["runs"] for run_id in ids) == sorted(table.index)


def test_filters_sorts_and_verdicts(path: Path, store: Store) -> None:
    low = untouched(path, "low", 0.55, **{"weights.variance": 50.0})
    high = untouched(path, "high", 0.75, **{"weights.variance": 60.0})
    waiting = write_run(path, "waiting")
    tested = {"question": "skills", "decision": "noise", "free_minus_tied": {"value": 0.0, "low": -1.0, "high": 1.0}}
    with RunFolder(runs_root(path), low) as folder:
        data = {"skills": tested, "response": tested | {"question": "response"}}
        folder.append({"kind": "tested", "with": "stand-in", "data": data, "own": None})
    store.take_in()
    assert read(store, [], "weights.variance > 10", "-encoder2_auc").index.tolist() == [high, low]
    assert read(store, [], "encoder2_auc.last > 0.6", "name").index.tolist() == [high, low, waiting]
    table = read(store, DEFAULT_COLUMNS)
    assert table.loc[waiting, "verdict"] == []
    assert table.loc[high, "verdict"] == ["skills ○", "response ○", "2/6"]  # the test on the data holds for both
    assert read(store, [], "standing = 'not differentiated' and criteria_passed = 1").index.tolist() == [low]


def test_settings_are_those_of_the_run_and_defaults_where_they_are_newer(path: Path, store: Store) -> None:
    run_id = write_run(path, "old", "finished")
    folder = RunFolder(runs_root(path), run_id)
    queued, *rest = folder.rows(0)[0]
    del queued["config"]["model"]["level"], queued["config"]["weights"]["encoder_priority"]
    queued["config"]["weights"]["bce"] = 0.9
    rewrite(folder, [queued, *rest])
    store.take_in()
    table = read(store, ["model.level", "weights.encoder_priority"])
    assert table.iloc[0][["model.level", "weights.encoder_priority"]].tolist() == [all_default("model.level"), 0.9]


def all_default(name: str) -> object:
    from gainakt.config import fields

    assert name in all_fields()
    return fields()[name].default


def test_views_are_kept_beside_the_runs(tmp_path: Path) -> None:
    views.save(tmp_path, " mine ", {"where": "a"})
    views.save(tmp_path, "other", {"where": "b"})
    views.save(tmp_path, "mine", {"where": "c"})
    assert views.saved(tmp_path) == {"mine": {"where": "c"}, "other": {"where": "b"}}
    views.remove(tmp_path, "other")
    assert list(views.saved(tmp_path)) == ["mine"]
    with pytest.raises(InputError, match="1 to 60"):
        views.save(tmp_path, "  ", {})
    (tmp_path / "views.json").write_text("[")
    assert views.saved(tmp_path) == {}


def test_no_query_reads_series_or_single_runs(path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(4):
        untouched(path, f"run {seed}", **{"training.seed": seed})
    store.take_in()
    asked: list[str] = []
    for name in ("_rows", "_frame"):
        original = getattr(store, name)
        monkeypatch.setattr(store, name, lambda query, values, do=original: (asked.append(query), do(query, values))[1])
    for _ in range(2):
        asked.clear()
        read(store, (*DEFAULT_COLUMNS, "encoder2_auc.best", "weights.variance"), "gain_std.last > 0", "-gain_std")
    assert len(asked) <= 7 and not any("series" in query or "histograms" in query for query in asked)
