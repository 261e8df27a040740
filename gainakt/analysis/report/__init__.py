"""The written analysis of a run: Markdown, and HTML with figures, in the outline of the original study's.

Every number in it is computed from the store's record of the run, every wording is chosen by tests on numbers.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from gainakt import __version__
from gainakt.analysis.insight import Insight, examine, settings
from gainakt.analysis.report import beside, figures, page, sentences, tables
from gainakt.errors import InputError
from gainakt.store import Store
from gainakt.store.facts import Facts
from gainakt.verdict.criteria import STANDINGS, Targets
from gainakt.verdict.judge import DEFAULTS

__all__ = ["Report", "save", "write"]
_GAINS = {"gain_mean": "Mean", "gain_std": "Std", "gain_min": "Min", "gain_max": "Max", "gain_range": "Range",
          "gain_cv": "CV"}  # fmt: skip
_SKILLS = {"skills_seen": "Skills observed", "skill_gain_mean": "Mean of skill means",
           "skill_gain_std": "Std of skill means", "skill_gain_cv": "CV of skill means"}  # fmt: skip
_PARAMETERS = {
    "beta": "Beta (slope of the learning curve)", "threshold": "Theta (mastery threshold)",
    "gamma": "Gamma (learning velocity)", "saturation": "M_sat (ceiling of mastery)", "offset": "Offset (inflection)",
    "temperature": "T (temperature)", "transfer": "Transfer share",
}  # fmt: skip


@dataclass(frozen=True)
class Report:
    """A written analysis: `text` has places for `figures`."""

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


def write(store: Store, run_id: str, baseline_id: str = "", targets: Targets = DEFAULTS) -> Report:
    """The analysis of a run, beside a baseline if one is given; raises InputError when a run is not there."""
    seen = examine(store, run_id, targets)
    baseline = examine(store, baseline_id, targets).facts if baseline_id else None
    text = _environment().get_template("report.md.j2").render(_context(seen, baseline))
    return Report(f"Analysis of {seen.facts.run.name}", text, figures.all_figures(seen.facts, baseline))


def save(written: Report, folder: Path, name: str, other: Path | None = None) -> dict[str, str]:
    """Write `name`.md and `name`.html (and `name`-beside.html with `other` beside it); what was written where.

    Raises InputError when a file cannot be read or written.
    """
    made = {"markdown": (f"{name}.md", written.markdown), "html": (f"{name}.html", written.html)}
    try:
        if other is not None:
            text = other.read_text(encoding="utf-8", errors="replace")
            made["beside"] = (f"{name}-beside.html", written.beside(text, other.name))
        folder.mkdir(parents=True, exist_ok=True)
        for file, content in made.values():
            (folder / file).write_text(content, encoding="utf-8")
    except OSError as error:
        raise InputError(f"the report cannot be written: {error}") from None
    return {kind: str(folder / file) for kind, (file, _) in made.items()}


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("gainakt.analysis.report"), undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
        autoescape=False, keep_trailing_newline=True,
    )  # fmt: skip
    made.filters["plain"] = sentences.plain
    made.globals["table"] = tables.markdown
    return made


def _context(seen: Insight, baseline: Facts | None) -> dict[str, Any]:
    facts, verdict, targets = seen.facts, seen.verdict, seen.targets
    told = {
        "summary": sentences.summary(facts, verdict, targets), "gains": sentences.gains_told(facts.test, targets),
        "distinct": sentences.distinct_told(facts, seen.state.get("distinct_gains")),
        "tensor": sentences.tensor_told(facts),
        "skills": sentences.skills_told(facts, targets), "response": sentences.response_told(facts, targets),
        "parameters": (s for name, label in _PARAMETERS.items() for s in sentences.parameter_told(facts, name, label)),
        "stopping": sentences.stopping_told(facts), "dynamics": sentences.dynamics(facts),
        "balance": tables.balance_told(facts), "conclusion": _conclusion(seen),
        "baseline_told": _beside(facts, baseline),
    }  # fmt: skip
    return {
        "run": facts.run, "name": facts.run.name or facts.run.run_id, "verdict": verdict, "version": __version__,
        "standing": STANDINGS[verdict.standing],
        "date": dt.datetime.fromtimestamp(facts.run.created, dt.UTC).date() if facts.run.created else "–",
        "baseline": baseline, "baseline_name": (baseline.run.name or baseline.run.run_id) if baseline else "",
        "primary": tables.primary(facts), "comparison": tables.comparison(facts, baseline) if baseline else [],
        "differs": tables.differs(settings(facts.run), settings(baseline.run)) if baseline else [],
        "gain_numbers": tables.numbers(facts, _GAINS), "skill_numbers": tables.numbers(facts, _SKILLS),
        "criteria": tables.criteria(verdict, targets), "questions": tables.questions(verdict),
        "correlations": tables.correlations(facts, seen.references), "losses": tables.loss_evolution(facts),
        "balance_table": tables.balance(facts), "causes": tables.causes(seen.causes), "tree": tables.tree(seen.path),
        "recommendation": f"{seen.path.end} Preset: `{seen.path.preset}`.",
        **{name: list(lines) for name, lines in told.items()},
    }  # fmt: skip


def _beside(facts: Facts, baseline: Facts | None) -> Iterator[str]:
    """How the run stands against its baseline."""
    if baseline is None:
        return
    mine, theirs = facts.run.data_fingerprint, baseline.run.data_fingerprint
    if mine is None or theirs is None:
        yield "Whether both used the same data is not recorded."
    elif mine != theirs:
        yield "The baseline was run on other data, so the numbers differ for that reason too."
    else:
        yield "Both used the same data."
    count = tables.verdicts(facts, baseline)
    yield (
        f"On the {tables.shared_split(facts, baseline)} students, of the metrics that have a better side:"
        f" {count['better']} better, {count['worse']} worse. Of all: {count['the same']} the same within"
        f" {sentences.SAME}, {count['not comparable']} not comparable. One seed each: the training's own noise is"
        " not in these numbers."
    )


def _conclusion(seen: Insight) -> Iterator[str]:
    """What it comes to."""
    yield from sentences.gains_told(seen.facts.test, seen.targets)
    name = STANDINGS[seen.verdict.standing]
    why = ", ".join(f"{finding.status}" for finding in seen.verdict.questions.values())
    yield f"By its own account the run is {name} (skills differ, response matters: {why})."
    held = [cause.name for cause in seen.causes if cause.present]
    if held:
        yield f"Candidate causes that hold here: {'; '.join(held)}."
    yield f"Next: {seen.path.end}"
