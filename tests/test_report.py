"""The written analysis: every number from the run, no sentence against it, one file that needs nothing else."""

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from gainakt.analysis.report import beside, page, save, sentences, tables, write
from gainakt.config import Config
from gainakt.jobs.service import execute, queue_run
from gainakt.measures.text import escaped
from gainakt.store import Run, RunFolder, Store, runs_root
from gainakt.store.facts import Facts
from gainakt.verdict.criteria import Targets

ROOT = Path(__file__).resolve().parents[1]
HOSTILE = "<script>alert(1)</script> | [x](http://x.invalid) `y` **z**"
SECTIONS = ["Executive Summary", "Performance Metrics", "Gain Analysis", "Success Criteria Evaluation",
            "Learned Parameter Evolution", "Training Dynamics", "Why", "Recommendations", "Conclusion"]  # fmt: skip


@pytest.fixture(scope="module")
def trained(
    tmp_path_factory: pytest.TempPathFactory, tiny: Callable[..., Config], class_file: Path
) -> tuple[Path, Any]:
    """A store with a tiny run of either preset, named as no one should."""
    store = tmp_path_factory.mktemp("report") / "x.duckdb"
    made = []
    for name in ("v3-phase1", "corrected"):
        config = tiny({"training.max_epochs": 2, "data.path": str(class_file)}, name)
        folder = queue_run(runs_root(store), config, name=HOSTILE, preset=name)
        assert execute(folder, config)["kind"] == "finished"
        made.append(folder.run_id)
    return store, made


@pytest.fixture
def store(trained: tuple[Path, Any]) -> Iterator[Store]:
    with Store.open(trained[0]) as opened:
        opened.take_in()
        yield opened


def test_the_report_has_the_originals_outline_and_states_the_runs_numbers(store: Store, trained: Any) -> None:
    run_id, baseline = trained[1]
    written = write(store, run_id, baseline)
    assert [title for title, _ in beside.sections(written.markdown)][1:] == SECTIONS
    metrics = store.metrics([run_id]).set_index(["split", "name"])["value"]
    for split, name in (("test", "encoder2_auc"), ("train", "encoder1_auc"), ("test", "gain_std")):
        assert f"{metrics[split, name]:.4f}" in written.markdown
    assert "nan" not in re.sub(r"[a-z]nan|nan[a-z]", "", written.markdown.lower()) and "None" not in written.markdown
    assert "[[figure" not in written.markdown and "Both runs used the same data." in written.markdown
    assert "weights.variance" in written.markdown.replace("\\", ""), "what differs in the settings"


def test_the_page_needs_nothing_else_and_shows_hostile_names_as_text(store: Store, trained: Any) -> None:
    written = write(store, *trained[1])
    html = written.html
    around = html.replace(page.library(), "")
    assert "<script>alert(1)" not in html and "&lt;script&gt;alert(1)" in around
    assert not re.search(r'(src|href)="', around) and around.count("Plotly.newPlot") >= 5
    assert set(written.figures) >= {"auc", "losses", "gains", "parameters"}


def test_it_is_written_with_another_analysis_beside_it(store: Store, trained: Any, tmp_path: Path) -> None:
    written = write(store, trained[1][0])
    other = tmp_path / "other.md"
    text = (
        "intro — ✅\n## Executive Summary\n\nHidden → text\n\n## Lessons Learned\n\nx\n\n## Something Else\n\nremains\n"
    )
    other.write_text(text.encode("utf-8").decode("mac_roman"), encoding="utf-8")
    made = save(written, tmp_path / "out", "a", other)
    assert set(made) == {"markdown", "html", "beside"}
    html = Path(made["beside"]).read_text(encoding="utf-8")
    assert "Hidden → text" in html and "intro — ✅" in html and "remains" in html
    left, right = html.split("Hidden → text")[0].rsplit("<div class=pair>", 1)[1], html.split("Hidden → text")[1]
    assert "Executive Summary" in left and "Lessons Learned" in right


@pytest.mark.parametrize("text", ["plain", "✅ → —", "Ümläut", "⚠️ ❌ 📉"])
def test_only_what_was_mis_decoded_is_repaired(text: str) -> None:
    assert beside.repaired(text) == text
    if not text.isascii() and text != "Ümläut":
        assert beside.repaired(text.encode().decode("mac_roman")) == text


def test_the_originals_document_is_repaired_whole(seed_text: str) -> None:
    text = beside.repaired(seed_text)
    assert "❌ **FAILED** - V3" in text and "‚" not in text
    known = {heading for heading, _ in beside.sections(text)}
    for report, originals in beside.MATCHES.items():
        assert any(heading.startswith(originals) for heading in known), report


def run(**values: Any) -> Run:
    row = dict.fromkeys(Run.__dataclass_fields__) | {
        "run_id": "r", "name": "n", "status": "finished", "epochs": 3, "config": "{}", "versions": "{}", "data": "{}",
        "damaged_rows": 0,
    }  # fmt: skip
    return Run.from_row(row | values)


def facts(series: Any = (), **test: float | None) -> Facts:
    frame = pd.DataFrame(series, columns=["name", "epoch", "value"]).assign(step=lambda rows: rows["epoch"])
    empty = pd.DataFrame(columns=["name", "epoch", "mean", "std", "quantiles"])
    return Facts(run(), {"test": test}, frame, empty, pd.DataFrame(), None, [])


@pytest.mark.parametrize(
    ("std", "says", "never"),
    [(0.0018, "practically uniform", "vary"), (0.05, "vary, but not by more than the target of 0.1", "uniform"),
     (0.10, "vary, but not by more", "uniform"), (0.3, "vary by more than the target of 0.1", "not")],
)  # fmt: skip
def test_how_gains_spread_is_told_by_their_std(std: float, says: str, never: str) -> None:
    (sentence,) = sentences.gain_spread({"gain_std": std, "gain_mean": 0.5}, Targets())
    assert says in sentence and never not in sentence and f"{std:.4f}" in sentence


@pytest.mark.parametrize(
    ("correct", "incorrect", "says"),
    [(0.5883, 0.5885, "practically the same"), (0.6, 0.3, "larger after correct"), (0.3, 0.6, "smaller after correct")],
)
def test_how_the_response_counts_is_told_by_the_ratio(correct: float, incorrect: float, says: str) -> None:
    measured = facts(
        gain_after_correct=correct, gain_after_incorrect=incorrect, response_gain_ratio=correct / incorrect
    )  # fmt: skip
    (sentence,) = sentences.response_difference(measured, Targets())
    assert says in sentence and ("not above" in sentence) == (correct / incorrect <= 1.2)


@pytest.mark.parametrize(
    ("curve", "says"),
    [([0.6, 0.7], "still improving"), ([0.6, 0.7, 0.6995], "levelled off"), ([0.6, 0.7, 0.65], "ended below"),
     ([0.7], "evaluated after one epoch")],
)  # fmt: skip
def test_the_course_is_told_by_where_it_ends(curve: list[float], says: str) -> None:
    recorded = facts([("validation.encoder1_auc", epoch + 1, value) for epoch, value in enumerate(curve)])
    (sentence,) = sentences.dynamics(recorded)
    assert says in sentence and f"{curve[-1]:.4f} at the end" in sentence


@pytest.mark.parametrize(
    ("first", "last", "says"), [(0.1, 0.2, "moved apart"), (0.2, 0.1, "came closer"), (0.1, 0.1, "stayed")]
)
def test_divergence_is_told_by_the_difference(first: float, last: float, says: str) -> None:
    rows = [(f"validation.{encoder}_auc", epoch, 0.6 + (apart if encoder == "encoder1" else 0))
            for epoch, apart in ((1, first), (2, last)) for encoder in ("encoder1", "encoder2")]  # fmt: skip
    assert says in next(sentences.auc_difference(facts(rows)))


def test_losses_are_reported_whatever_the_last_epoch_recorded() -> None:
    """Few steps an epoch: the last recorded step lies in the epoch before the last."""
    rows = [(f"{kind}.{term}", 3, value) for kind, value in (("loss", 0.5), ("weighted", 0.25), ("share", 0.5))
            for term in ("bce", "im")]  # fmt: skip
    recorded = facts([*rows, ("loss.total", 3, 0.7), ("validation.im", 3, 0.6), ("validation.im", 4, 0.58)])
    assert len(tables.balance(recorded)) == 3
    assert next(sentences.balance(recorded)).startswith("No differentiation loss is on")
    recorded = replace(recorded, run=replace(recorded.run, epochs=4))
    assert [row[:2] for row in tables.loss_evolution(recorded)] == [["Epoch", "Training loss"], ["4", "0.7000"]]


def test_a_record_with_hardly_anything_is_still_written(tmp_path: Path) -> None:
    with RunFolder.create(tmp_path, name="bare", preset="published", config={}) as folder:
        folder.append({"kind": "finished", "status": "finished", "reason": "", "step": 0, "epochs": 0,
                       "best_epoch": {}, "seconds": None, "train_interactions_per_second": None, "results": {},
                       "skills": []})  # fmt: skip
    with Store.open(":memory:", runs=tmp_path) as store:
        store.take_in()
        written = write(store, folder.run_id, folder.run_id).markdown
    assert "NOT DIFFERENTIATED, 0 of 6 criteria met" in written and "No epoch was trained" in written


def test_a_comparison_lists_settings_that_both_record_and_gives_large_growth_as_a_factor() -> None:
    here, there = (
        {"weights.encoder_priority": 0.5, "model.width": 64, "data.path": "a"},
        {"weights.encoder_priority": 0.3, "data.path": "b"},
    )
    assert tables.differing_settings(here, there)[1:] == [["weights.encoder_priority", "0.3", "0.5"]]
    changes = [tables.change(here, there) for here, there in ((0.5, 0.002), (0.55, 0.5), (0.5, 0.0), (None, 1.0))]
    assert changes == ["× 250", "+10.0%", "+0.5000", "–"]


@given(st.text(alphabet="ab1_~*`[]()!<>&#+-.|\\$ ;:", max_size=12))
@example("_a_ b~~c *d* `e` [f](g) <h> &amp; i|j")
@example("data_set~~skill_2")
def test_names_are_shown_as_they_are_and_stay_readable(name: str) -> None:
    shown = re.sub(r"(?<=[^\s~])~~(?=[^\s~])", " ~~ ", " ".join(name.split()))
    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    assert html.unescape(re.sub(r"</?p>", "", reader.render(escaped(name)))).strip() == shown
    assert escaped("data_set 2, 3 > 2 (~70 %): x.y") == "data_set 2, 3 > 2 (\\~70 %): x.y"
