"""What users and files write (names, tags, notes, labels, reasons, presets) never becomes markup, links or formulas."""

import csv
import io
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from google.protobuf.message import Message
from streamlit.testing.v1 import AppTest

from gainakt.analysis.report import write
from gainakt.analysis.report.drawing import draw as draw_figure
from gainakt.analysis.runs.table import read
from gainakt.analysis.table import FORMS
from gainakt.config import changed
from gainakt.config.presets import preset
from gainakt.datasets.describe import safe_csv
from gainakt.jobs.reproduce import settings_file
from gainakt.store import RunFolder, Store, runs_root
from gainakt.store.tables import export_tables
from gainakt.ui import resources
from tests.pages import ABOUT_RUNS, QUANTILES, draw

MARKUP = "<img src=x onerror=alert(1)> [click](javascript:x) ![i](http://x.invalid/i) $x$ :material/home: :red[r]"
HOSTILE = f"=1+1 {MARKUP} `c` '; DROP TABLE runs; --\x7f\x01 ../../etc/passwd"
TAG = "-1 <img src=x> [click](x) :red[r]"
NOTES = "@notes **bold** <img src=x> ![i](http://x.invalid/i)"
ALIVE = re.compile(r"<img|\[click|!\[i|\$x\$|:material/home:|:red\[")
SHOWN = ("body", "label", "help", "text")
"""Fields of the page's elements that Streamlit reads as Markdown."""


def hostile_run(store: Path, end: str) -> str:
    """A run whose every text is hostile; its id."""
    config = changed(preset("without-level"), {}).model_dump()
    config["data"]["path"] = HOSTILE
    run = RunFolder.create(runs_root(store), name=HOSTILE[:200], preset=HOSTILE, config=config)
    with run as folder:
        data = {"name": HOSTILE, "source": HOSTILE, "fingerprint": "f", "students": 30, "split": {},
                "warnings": [HOSTILE], "notes": [HOSTILE]}  # fmt: skip
        begun = {"device": HOSTILE, "versions": {"gainakt": HOSTILE}, "skills": [HOSTILE, MARKUP], "data": data}
        folder.append({"kind": "started", **begun, "steps_per_epoch": 10, "max_epochs": 2, "parameters": 9})
        folder.append({"kind": "step", "step": 1, "epoch": 1, "values": {"loss.total": 1.0, "gain_std": 0.1}})
        folder.append({"kind": "gains", "step": 1, "epoch": 1, "split": "validation", "counts": [5] * 50,
                       "skills": {"0": [2] * 20, "1": [3] * 20}})  # fmt: skip
        spread = {"mean": 1.0, "std": 0.1, "quantiles": QUANTILES}
        folder.append({"kind": "evaluated", "step": 1, "epoch": 1, "values": {"validation.encoder2_auc": 0.6},
                       "parameters": dict.fromkeys(("beta", "threshold", "gamma", "saturation"), spread)})  # fmt: skip
        folder.append({"kind": "changed", "step": 1, "epoch": 1, "field": "weights.variance", "old": 0.0, "new": 5.0,
                       "who": HOSTILE})  # fmt: skip
        folder.append({"kind": "refused", "step": 1, "epoch": 1, "field": HOSTILE, "value": HOSTILE, "who": HOSTILE,
                       "reason": HOSTILE})  # fmt: skip
        folder.append({"kind": "annotated", "tags": [TAG], "notes": NOTES, "who": HOSTILE})
        if end == "finished":
            skill = {"interactions": 9, "effective_rate": 0.3, "mean_gain": 0.1, "m_sat": 0.8, "beta": 4.0,
                     "threshold": 0.2, "offset": None}  # fmt: skip
            folder.append({"kind": "finished", "status": "finished", "reason": HOSTILE, "step": 1, "epochs": 1,
                           "best_epoch": {"encoder1": 1, "encoder2": 1}, "seconds": 3.0, "skills":
                           [{"skill": name, **skill} for name in (HOSTILE, MARKUP)],
                           "results": {"test": {"encoder2_auc": 0.6, "gain_std": 0.1}}})  # fmt: skip
        elif end == "failed":
            folder.append({"kind": "failed", "step": 1, "error": HOSTILE, "traceback": HOSTILE})
    return run.run_id


def texts(message: Message) -> Iterator[str]:
    """Every text that Streamlit reads as Markdown in an element, however deep."""
    for field, value in message.ListFields():
        for one in value if field.is_repeated else (value,):
            if isinstance(one, Message):
                yield from texts(one)
            elif isinstance(one, str) and field.name in SHOWN:
                yield one


def said(app: AppTest) -> list[str]:
    """All Markdown of a page, of its static tables too, but for what is code or the notes, which are Markdown."""
    elements = [one for one in (*app._tree.main, *app._tree.sidebar) if getattr(one, "type", "") != "code"]
    found = [text for one in elements if getattr(one, "proto", None) is not None for text in texts(one.proto)]
    found += [str(cell) for table in app.table for cell in [*table.value.index, *table.value.to_numpy().ravel()]]
    return [text for text in found if "@notes" not in text]


@pytest.mark.parametrize(
    ("page", "end"),
    [(page, "failed" if "Run.py" in page else "running" if "Train" in page else "finished") for page in ABOUT_RUNS],
)
def test_no_text_of_a_run_becomes_markup_on_a_page(
    page: str, end: str, page_store: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    run_id, other = hostile_run(page_store, end), hostile_run(page_store, "finished")
    asked = {"runs": f"{run_id},{other}"} if "Compare" in page or "Runs" in page else {"run": run_id}
    app = draw(page, **asked)
    alive = [text for text in said(app) if ALIVE.search(re.sub(r"\\[^\w\s]", "", text))]
    assert alive == []
    assert not any(element.allow_html for element in app.markdown if "img" in str(element.value))
    assert not any("![i]" in str(element.value) for element in app.markdown)
    drawn = [element.proto.json for element in app.get("bidi_component") if element.proto.json]
    assert not any("<img" in json.dumps(json.loads(text)["layout"]) for text in drawn if "layout" in json.loads(text))
    printed = capfd.readouterr()
    assert "etc/passwd" not in caplog.text + printed.out + printed.err, "names and paths stay out of the log"


@pytest.mark.parametrize(
    "where", ["' OR 1=1; DROP TABLE runs; --", 'name = "x" or read_text("/etc/passwd") = 1', HOSTILE]
)
def test_a_filter_is_no_sql(where: str, page_store: Path) -> None:
    run_id = hostile_run(page_store, "finished")
    app = draw("pages/2_Runs.py", where=where)
    assert "root:" not in " ".join(said(app))
    assert resources.store().run(run_id).status == "finished"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, str, Path]]:
    """A store with one hostile run, and a folder to write to."""
    folder = tmp_path_factory.mktemp("hostile")
    run_id = hostile_run(folder / "s.duckdb", "finished")
    with Store.open(folder / "s.duckdb") as store:
        store.take_in()
        yield store, run_id, folder


def test_reports_and_figures_hold_it_as_text(written: tuple[Store, str, Path]) -> None:
    store, run_id, folder = written
    report = write(store, run_id, run_id)
    body = report.html.partition("<body")[2]
    assert "<img" not in body and "<a " not in body and "onerror=alert(1)" in body
    assert not ALIVE.search(
        re.sub(r"\\[^\w\s]", "", report.markdown).replace(":material/home:", "").replace(":red[", "")
    )
    draw_figure(store, [store.run(run_id)], "gain_std", folder / "figure.html")
    page = (folder / "figure.html").read_text(encoding="utf-8")
    assert "<img src=x" not in page.replace(r"\u003cimg", "")


def test_tables_for_a_spreadsheet_hold_no_formula(written: tuple[Store, str, Path]) -> None:
    store, run_id, folder = written
    export_tables(store, [run_id], folder / "tables", "csv")
    csvs = {path.name: path.read_text(encoding="utf-8") for path in (folder / "tables").glob("*.csv")}
    listed = read(store, ("name", "tags", "data", "preset"))
    csvs["runs of the page"] = FORMS["csv"](listed)
    assert any("'=1+1" in text for text in csvs.values())
    for name, text in csvs.items():
        cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
        begins = [cell for cell in cells if cell[:1] in set("=+-@\t\r\n＝＋－＠") and not is_number(cell)]
        assert begins == [], name
    latex, html, markdown = (FORMS[form](listed) for form in ("latex", "html", "markdown"))
    assert "<img" not in html and not ALIVE.search(re.sub(r"\\[^\w\s]", "", markdown).split(":material")[0])
    assert r"\_" in latex or "$x$" not in latex


def is_number(cell: str) -> bool:
    """Whether a spreadsheet reads the cell as a plain number."""
    return re.fullmatch(r"-?[0-9.]+(e[-+]?[0-9]+)?", cell) is not None


@pytest.mark.parametrize("start", list("=+-@\t\r\n＝＋－＠"))
def test_every_start_of_a_formula_is_quoted_in_cells_and_headers(start: str) -> None:
    text = f"{start}cmd|' /C calc'!A0\r=1+1"
    table = pd.DataFrame({text: [text, "plain"], "n": [-1.5, 2.0], "c": pd.Categorical([text, text])})
    rows = list(csv.reader(io.StringIO(safe_csv(table), newline="")))
    quoted = "'" + text.replace("\r", "\n")
    assert rows[0][0] == quoted and rows[1] == [quoted, "-1.5", quoted] and rows[2][0] == "plain" and len(rows) == 3


def test_a_settings_file_of_a_hostile_run_is_read_again(written: tuple[Store, str, Path]) -> None:
    store, run_id, _ = written
    tree: dict[str, Any] = tomllib.loads(settings_file(store, store.run(run_id)))
    assert tree["preset"] == HOSTILE and tree["data"]["path"] == HOSTILE
