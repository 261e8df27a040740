"""The written analysis of a run: Markdown, and HTML with figures, in the outline of the original study's.

- `sentences`, `tables`, `figures`: its parts, computed from the store's record of the run; numbers choose the wording.
- `templates/`: their order. `page`: from Markdown to one HTML file. `beside`: with another analysis beside it.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from gainakt import __version__
from gainakt.analysis.insight import Insight, examine
from gainakt.analysis.report import beside, figures, page, sentences, tables
from gainakt.config import flatten_stored
from gainakt.errors import InputError
from gainakt.measures.metrics import NEGLIGIBLE
from gainakt.measures.text import escaped
from gainakt.store import Store
from gainakt.store.facts import Facts, gather
from gainakt.verdict.criteria import STANDINGS, STATUSES, Targets
from gainakt.verdict.judge import DEFAULTS

__all__ = ["Analysis", "environment", "save", "write"]
_PARAMETERS = {
    "beta": "Beta (slope of the learning curve)",
    "threshold": "Theta (mastery threshold)",
    "gamma": "Gamma (learning velocity)",
    "saturation": "M_sat (ceiling of mastery)",
    "offset": "Offset (inflection)",
    "temperature": "T (temperature)",
    "transfer": "Transfer share",
}


@dataclass(frozen=True)
class Analysis:
    """A written analysis; its `text` has places for `figures`."""

    title: str
    text: str
    figures: dict[str, figures.Figure]

    @property
    def markdown(self) -> str:
        """The analysis in Markdown, without figures."""
        return page.without_figures(self.text)

    @property
    def html(self) -> str:
        """The analysis as one HTML file with its figures; nothing is loaded from elsewhere."""
        return page.page(self.title, page.body(self.text, self.figures))

    def beside(self, other: str, name: str) -> str:
        """The same with another analysis (Markdown) beside it, section by section."""
        return beside.side_by_side(self.title, self.text, self.figures, other, name)


def write(store: Store, run_id: str, baseline_id: str = "", targets: Targets = DEFAULTS) -> Analysis:
    """The analysis of a run, beside a baseline if one is given; raises InputError when a run is not there."""
    insight = examine(store, run_id, targets)
    baseline = gather(store, baseline_id) if baseline_id else None
    text = environment().get_template("report.md.j2").render(_context(insight, baseline))
    return Analysis(f"Analysis of {insight.facts.run.name}", text, figures.all_figures(insight.facts, baseline))


def save(analysis: Analysis, folder: Path, name: str, other: Path | None = None) -> dict[str, str]:
    """Write `name`.md and `name`.html (and `name`-beside.html with `other` beside it); returns what was written where.

    Raises InputError when a file cannot be read or written.
    """
    files = {"markdown": (f"{name}.md", analysis.markdown), "html": (f"{name}.html", analysis.html)}
    try:
        if other is not None:
            text = other.read_text(encoding="utf-8", errors="replace")
            files["beside"] = (f"{name}-beside.html", analysis.beside(text, other.name))
        folder.mkdir(parents=True, exist_ok=True)
        for file, content in files.values():
            (folder / file).write_text(content, encoding="utf-8")
    except OSError as error:
        raise InputError(f"the report cannot be written: {error}") from None
    return {kind: str(folder / file) for kind, (file, _) in files.items()}


@cache
def environment() -> Environment:
    """Where the templates of reports are, with the filter `escaped` and the function `table`."""
    environment = Environment(
        loader=PackageLoader("gainakt.analysis.report"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
        keep_trailing_newline=True,
    )
    environment.filters["escaped"] = escaped
    environment.globals["table"] = tables.markdown
    return environment


def _context(insight: Insight, baseline: Facts | None) -> dict[str, Any]:
    facts, verdict, targets, run = insight.facts, insight.verdict, insight.targets, insight.facts.run
    return {
        "run": run,
        "name": run.name or run.run_id,
        "verdict": verdict,
        "version": __version__,
        "standing": STANDINGS[verdict.standing],
        "date": dt.datetime.fromtimestamp(run.created, dt.UTC).date() if run.created else "–",
        "primary": tables.primary(facts),
        "gain_numbers": tables.numbers(facts, "gains"),
        "skill_numbers": tables.numbers(facts, "skills"),
        "criteria": tables.criteria(verdict, insight.references),
        "questions": tables.questions(verdict),
        "correlations": tables.correlations(facts, insight.references),
        "losses": tables.loss_evolution(facts),
        "balance_table": tables.balance(facts),
        "causes": tables.causes(insight.causes),
        "tree": tables.tree(insight.path),
        "recommendation": f"{insight.path.end} Preset: `{insight.path.preset}`.",
        **_of_baseline(facts, baseline),
        **{name: list(lines) for name, lines in _sentences(insight, targets).items()},
    }


def _sentences(insight: Insight, targets: Targets) -> dict[str, Iterator[str]]:
    facts = insight.facts
    return {
        "summary": sentences.summary(facts, insight.verdict, targets),
        "gains": sentences.gain_spread(facts.test, targets),
        "distinct": sentences.distinct_gains(facts, insight.state.get("distinct_gains")),
        "aggregate": sentences.aggregate_gain(facts),
        "skills": sentences.skill_differences(facts, targets),
        "response": sentences.response_difference(facts, targets),
        "parameters": (s for n, label in _PARAMETERS.items() for s in sentences.parameter_course(facts, n, label)),
        "stopping": sentences.stopping(facts),
        "dynamics": sentences.dynamics(facts),
        "balance": sentences.balance(facts),
        "conclusion": _conclusion(insight),
    }


def _of_baseline(facts: Facts, baseline: Facts | None) -> dict[str, Any]:
    if baseline is None:
        return {"baseline": None}
    return {
        "baseline": baseline,
        "baseline_name": baseline.run.name or baseline.run.run_id,
        "comparison": tables.comparison(facts, baseline),
        "compared": list(_compared(facts, baseline)),
        "differing": tables.differing_settings(flatten_stored(facts.run.config), flatten_stored(baseline.run.config)),
    }


def _compared(facts: Facts, baseline: Facts) -> Iterator[str]:
    """How the run compares with its baseline."""
    data, data_of_baseline = facts.run.data_fingerprint, baseline.run.data_fingerprint
    if data is None or data_of_baseline is None:
        yield "Whether both runs used the same data is not recorded."
    elif data != data_of_baseline:
        yield "The baseline used other data, so part of the differences may come from them."
    else:
        yield "Both runs used the same data."
    count = tables.assessments(facts, baseline)
    yield (
        f"On the {tables.shared_split(facts, baseline)} students, {count['better']} measures are better and"
        f" {count['worse']} worse than the baseline's; {count['the same']} differ by less than {NEGLIGIBLE} and"
        f" {count['not comparable']} cannot be compared; the others have no good direction. These differences do not"
        " account for seed-to-seed variance: each run is one seed."
    )


def _conclusion(insight: Insight) -> Iterator[str]:
    """What it comes to."""
    verdict = insight.verdict
    yield from sentences.gain_spread(insight.facts.test, insight.targets)
    skills, response = (STATUSES[verdict.questions[name].status] for name in ("skills_differ", "response_matters"))
    yield f"The run is {STANDINGS[verdict.standing]} (skills differ: {skills}; the response matters: {response})."
    held = [cause.name for cause in insight.causes if cause.present]
    if held and not verdict.differentiated:
        names = "; ".join(name[0].lower() + name[1:] if name.startswith("The ") else name for name in held)
        yield f"Candidate causes that hold here: {names}."
    yield f"Next: {insight.path.end[0].lower()}{insight.path.end[1:]}"
