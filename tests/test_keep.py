"""What leaves the store for papers and other programs; whether a run can be repeated from what it says of itself."""

import json
import tomllib
from dataclasses import replace

import duckdb
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from gainakt.analysis.report.drawing import draw
from gainakt.analysis.table import FORMS, table_as
from gainakt.config import changed, flatten
from gainakt.config.file import read, written
from gainakt.config.presets import PRESETS
from gainakt.errors import InputError
from gainakt.jobs import lineage
from gainakt.jobs.reproduce import NOTHING, compared, settings_file
from gainakt.jobs.service import execute, queue_run
from gainakt.store import RunFolder, Store
from gainakt.store.pykt import import_pykt
from gainakt.store.tables import export_tables
from gainakt.store.tensorboard import export_events
from tests.journals import rewrite
from tests.pages import write_run

FORMULAS = ["=cmd|' /C calc'!A0", "+1+1|x", "-2+3", "@SUM(A1)", "\t=1", "\r=1"]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store of runs whose names a spreadsheet would compute, and one with an odd but harmless name."""
    path = tmp_path_factory.mktemp("keep") / "a.duckdb"
    for name in (*FORMULAS, 'a "b", c; \u2013 <i>_x_</i> 50 % & $y$ \\z {w} #1'):
        write_run(path, name, "finished")
    with Store.open(path) as opened:
        opened.take_in()
        yield opened


def ids(store):
    return list(store.runs()["run_id"])


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_tables_of_chosen_runs_are_read_back_by_duckdb(store, tmp_path, form):
    chosen = ids(store)[:2]
    rows = export_tables(store, chosen, tmp_path / "it's", form)
    assert {file.name for file in (tmp_path / "it's").iterdir()} == {f"{table}.{form}" for table in rows}
    with duckdb.connect() as connection:
        connection.execute(
            f"CREATE VIEW series AS FROM '{str(tmp_path).replace(chr(39), chr(39) * 2)}/it''s/series.{form}'"
        )
        back = connection.sql("SELECT run_id, name, step, value FROM series ORDER BY ALL").df()
    here = store.series(chosen, store.names(chosen[0]))[["run_id", "name", "step", "value"]]
    assert rows["series"] == len(here) and rows["runs"] == 2 and rows["datasets"] == 1
    here = here.sort_values(list(here.columns), ignore_index=True)
    pd.testing.assert_frame_equal(back, here, check_dtype=False)
    with pytest.raises(InputError, match="there already"):
        export_tables(store, chosen, tmp_path / "it's", form)


def test_no_text_in_csv_is_a_formula_and_numbers_stay_numbers(store, tmp_path):
    export_tables(store, ids(store), tmp_path / "csv", "csv")
    export_tables(store, ids(store), tmp_path / "parquet", "parquet")
    names = set(pd.read_csv(tmp_path / "csv" / "runs.csv")["name"])
    assert {f"'{name}" for name in FORMULAS} <= names
    assert set(FORMULAS) <= set(pd.read_parquet(tmp_path / "parquet" / "runs.parquet")["name"])
    assert set(pd.read_csv(tmp_path / "csv" / "events.csv", dtype=str)["new"].dropna()) >= {"50.0"}


def test_a_table_is_what_it_says_in_every_format():
    table = pd.DataFrame({"name & co": ["a_b", "<b>|x|", None], "n": [12345.0, 0.123456, np.nan], "k": [1, 2, 3]})
    latex = table_as(table, "latex")
    assert latex.startswith("\\begin{tabular}{lrr}") and "\\toprule" in latex and "\\bottomrule" in latex
    assert "name \\& co & n & k" in latex and "a\\_b & 12,345 & 1" in latex and "-- & -- & 3" in latex
    head, rule, first, second, _ = table_as(table, "markdown").splitlines()
    assert (head, rule, first) == ("| name & co | n | k |", "| --- | --- | --- |", "| a_b | 12,345 | 1 |")
    assert "\\<b>\\|x\\|" in second and "0.1235" in second
    html = table_as(table, "html")
    assert "<td>&lt;b&gt;|x|</td>" in html and "<b>" not in html
    assert table_as(table, "csv").splitlines()[2] == "<b>|x|,0.123456,2"
    with pytest.raises(InputError, match="unknown format 'word'"):
        table_as(table, "word")
    assert all(table_as(table.iloc[:0], form) for form in FORMS)


def test_settings_written_as_a_file_are_read_as_the_same(tmp_path):
    for name, preset in PRESETS.items():
        config = changed(preset.config, {"data.path": 'odd "path" \\ \U0001f600\n', "training.learning_rate": 1e-7})
        (tmp_path / "run.toml").write_text(written(config.model_dump(), name, ["a\nb"]), encoding="utf-8")
        assert read(tmp_path / "run.toml") == (name, flatten(config))
    for text, says in (("max_epochs = 5", "expected sections"), ("preset = 3", "preset"), ("=", "as settings in TOML")):
        (tmp_path / "odd.toml").write_text(text)
        with pytest.raises(InputError, match=says):
            read(tmp_path / "odd.toml")


def test_the_settings_file_says_what_it_does_not_repeat(store):
    text = settings_file(store, store.run(ids(store)[-1]))
    assert "steered 1 times" in text and "reproduce" in text
    assert tomllib.loads(text)["data"]["simulate"] == "demo"


@pytest.fixture
def twice(tmp_path, tiny):
    """A root with a run on the demo data that was steered, and the same once more."""
    config = tiny({"data.simulate": "demo", "data.window": 60, "training.batch_size": 64})
    folder = queue_run(tmp_path, config, name="first", preset="corrected")

    def steer(row):
        if row["kind"] == "step" and row["step"] == 2:
            folder.request("weights.variance", 5.0, "tests")

    execute(folder, config, steer)
    with Store.open(":memory:", runs=tmp_path) as opened:
        opened.take_in()
        again, config, begin = lineage.replay(tmp_path, opened.run(folder.run_id))
        execute(again, config, begin=begin)
        opened.take_in()
        yield tmp_path, opened.run(folder.run_id), opened.run(again.run_id)


def test_a_run_is_reproduced_to_the_bit_and_a_difference_has_its_reasons(twice):
    root, run, again = twice
    assert compared(root, run, again) == {
        "run_id": again.run_id, "replay_of": run.run_id, "identical": True, "differences": [], "reasons": []
    }  # fmt: skip
    folder = RunFolder(root, again.run_id)
    rows = lineage.journal(folder)
    step = next(row for row in rows if row["kind"] == "step")
    step["values"]["loss.total"] *= 1 + 1e-12
    rewrite(folder, rows)
    found = compared(root, run, again)
    assert not found["identical"] and found["differences"][0].startswith(f"loss.total at step {step['step']}")
    assert found["reasons"] == [NOTHING]
    elsewhere = replace(again, device="cuda", data_fingerprint="f", versions={**again.versions, "threads": "64"})
    reasons = " | ".join(compared(root, run, elsewhere)["reasons"])
    assert "threads: 1 and 64" in reasons and "device: cpu and cuda" in reasons and "and f" in reasons


def test_event_files_hold_series_and_final_measures(store, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run = store.run(ids(store)[0])
    written_rows = export_events(store, [run], tmp_path / "events")
    events = accumulator.EventAccumulator(str(tmp_path / "events" / run.run_id))
    events.Reload()
    losses = [(one.step, one.value) for one in events.Scalars("loss/total")]
    series = store.series([run.run_id], ["loss.total"])
    assert losses == [(step, pytest.approx(value)) for step, value in zip(series["step"], series["value"], strict=True)]
    assert events.Scalars("final/test/encoder1_auc")[0].value == pytest.approx(0.7)
    assert sum(len(events.Scalars(tag)) for tag in events.Tags()["scalars"]) == written_rows[run.run_id]
    with pytest.raises(InputError, match="there already"):
        export_events(store, [run], tmp_path / "events")


def test_a_figure_leaves_as_one_file_or_says_what_is_wrong(store, tmp_path):
    run = store.run(ids(store)[0])
    draw(store, [run], "gain_std", tmp_path / "x.html")
    text = (tmp_path / "x.html").read_text(encoding="utf-8")
    assert "Plotly.newPlot" in text and "src=" not in text.split("<body")[1]
    for name, file, says in (("nope", "x.svg", "known: auc, gain_std"), ("auc", "x.pdf", ".svg, .png, .html")):
        with pytest.raises(InputError, match=says):
            draw(store, [run], name, tmp_path / file)


@pytest.fixture
def pykt_folder(tmp_path):
    """What pyKT's training and evaluation leave: config.json, and a line of lists for each test sequence."""
    folder, random = tmp_path / "saved_model" / "assist2015_dkt_qid", np.random.default_rng(0)
    folder.mkdir(parents=True)
    params = {"dataset_name": "assist2015", "model_name": "dkt", "emb_type": "qid", "seed": 42, "fold": 0,
              "dropout": 0.2, "emb_size": 200, "learning_rate": 0.001}  # fmt: skip
    config = {"train_config": {"batch_size": 256, "num_epochs": 200}, "model_config": {}, "data_config": {}}
    (folder / "config.json").write_text(json.dumps({**config, "params": params}))
    target, probability, lines = [], [], []
    for length in (5, 9, 14):
        ts, ps = random.integers(0, 2, length).tolist(), random.random(length).tolist()
        lines.append(str([[1] * length, [0] * length, [2] * length, ts, ps, [1] * length, -1, 0.5]))
        target, probability = target + ts, probability + ps
    (folder / "qid_test_predictions.txt").write_text("\n".join(lines) + "\n")
    return folder, roc_auc_score(target, probability)


def test_a_run_of_pykt_stands_beside_ones_of_here(pykt_folder, tmp_path):
    folder, auc = pykt_folder
    with Store.open(tmp_path / "b.duckdb") as other:
        done = import_pykt(other.runs_root, folder)
        assert (done.name, done.outcome) == ("pyKT dkt", "imported")
        assert import_pykt(other.runs_root, folder).outcome == "there already"
        other.take_in()
        run = other.run(done.run_id)
        assert run.published and run.status == "finished" and run.data_name == "assist2015"
        assert run.config["training"] == {
            "batch_size": 256,
            "max_epochs": 200,
            "seed": 42,
            "fold": 0,
            "learning_rate": 0.001,
        }
        assert run.config["pykt"]["emb_size"] == 200 and not other.warnings
        measured = other.metrics([run.run_id]).set_index("name")["value"]
        assert measured["encoder1_auc"] == pytest.approx(auc, abs=1e-12)


def test_an_import_that_is_broken_off_leaves_no_half_record(pykt_folder, tmp_path, monkeypatch):
    folder, root = pykt_folder[0], tmp_path / "b.runs"
    append = RunFolder.append

    def killed(run, row):
        append(run, row)
        if row["kind"] == "started":
            raise KeyboardInterrupt

    monkeypatch.setattr(RunFolder, "append", killed)
    with pytest.raises(KeyboardInterrupt):
        import_pykt(root, folder)
    monkeypatch.undo()
    assert list(root.iterdir()) == [] and import_pykt(root, folder).outcome == "imported"


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("config.json", "{}", "not the config.json of a run of pyKT"),
        ("config.json", "[" * 10_000, "not the config.json"),
        ("qid_test_predictions.txt", "__import__('os')", "line 1 is no line"),
        ("qid_test_predictions.txt", "[[1], [1], [1], [2], [0.5]]", "line 1: responses"),
        ("qid_test_predictions.txt", "[[1], [1], [1], [1], [NaN]]", "line 1: responses"),
        ("qid_test_predictions.txt", "[[1], [1], [1], [1], [0.5]]", "there is no AUC"),
    ],
)
def test_what_pykt_does_not_write_is_refused(pykt_folder, tmp_path, file, text, says):
    (pykt_folder[0] / file).write_text(text)
    with pytest.raises(InputError, match=says):
        import_pykt(tmp_path / "b.runs", pykt_folder[0])
    assert not (tmp_path / "b.runs").exists()
