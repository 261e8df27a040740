"""The written analysis of a data set: which skills are learned, the skill model, the class, practice."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from gainakt import __version__
from gainakt.analysis.learning import sentences
from gainakt.analysis.learning.curves import CATEGORIES
from gainakt.analysis.learning.mastery import MOST
from gainakt.analysis.learning.practice import totals
from gainakt.analysis.report import Analysis, environment
from gainakt.analysis.report.tables import Table
from gainakt.measures.text import escaped, number, percent

_ROWS = 30
"""Rows of a table in the report; the whole tables are exported as CSV."""


@dataclass(frozen=True)
class Findings:
    """What was found: tables of skills with their category (`kind`), of students and practice at a threshold.

    `notes` say how the file was read.
    `models`, `items`, `splits`, `merges` are None where they were not computed, or the data do not allow them.
    """

    name: str
    summary: dict[str, Any]
    threshold: float
    skills: pd.DataFrame
    students: pd.DataFrame
    practice: pd.DataFrame
    models: pd.DataFrame | None = None
    items: pd.DataFrame | None = None
    splits: pd.DataFrame | None = None
    merges: pd.DataFrame | None = None
    notes: tuple[str, ...] = ()


def write(found: Findings) -> Analysis:
    """The analysis in Markdown, with a figure of the skills' rates."""
    context = {
        "name": found.name,
        "about": found.summary,
        "version": __version__,
        "threshold": found.threshold,
        "rows": _ROWS,
        "notes": [escaped(f"{note[:1].upper()}{note[1:]}.") for note in found.notes],
        "skills": list(sentences.of_skills(found.skills["kind"].tolist(), found.skills)),
        "skill_table": _skills(found.skills),
        "models": [] if found.models is None else list(sentences.of_models(found.models)),
        "model_table": None if found.models is None else _models(found.models),
        "items": [] if found.items is None or found.items.empty else list(sentences.of_items(found.items)),
        "item_table": None if found.items is None else _items(found.items),
        "candidates": list(sentences.of_candidates(found.splits, found.merges)),
        "students": list(sentences.of_class(found.students, found.threshold)),
        "student_table": _students(found.students),
        "practice": list(sentences.of_practice(totals(found.practice), found.threshold)),
        "practice_table": _practice(found.practice),
    }
    text = environment().get_template("data.md.j2").render(context)
    return Analysis(f"Learning in {found.name}", text, {"slopes": _slopes(found.skills)})


def _skills(table: pd.DataFrame) -> Table:
    rows = [
        [
            escaped(row.skill),
            CATEGORIES[row.kind],
            f"{row.students:,}",
            percent(row.first, 0),
            percent(row.last, 0),
            f"{number(row.slope, 3)} [{number(row.slope_low, 3)}, {number(row.slope_high, 3)}]",
            row.learned,
            percent(row.reach_5, 0),
        ]
        for row in table.nlargest(_ROWS, "interactions").itertuples()
    ]
    head = ["Skill", "Category", "Students", "Incorrect at first", "At the end", "AFM slope", "Learned", "Reach 5"]
    return [head, *rows]


def _models(table: pd.DataFrame) -> Table:
    rows = [
        [
            escaped(row.model),
            f"{row.skills:,}",
            f"{row.responses:,}",
            f"{row.log_likelihood:,.1f}",
            f"{row.aic:,.1f}",
            f"{row.bic:,.1f}",
            number(row.rmse_student),
            number(row.rmse_item),
        ]
        for row in table.itertuples()
    ]
    head = ["Model", "Skills", "Responses", "Log-likelihood", "AIC", "BIC", "RMSE, new students", "RMSE, new items"]
    return [head, *rows]


def _items(table: pd.DataFrame) -> Table:
    moved = table[table["verdict"] == "other_skill"].nlargest(_ROWS, "gain")
    rows = [
        [escaped(row.item), escaped(row.skill), escaped(row.better), f"{row.gain:.1f}", f"{row.responses:,}"]
        for row in moved.itertuples()
    ]
    return [["Item", "Its skill", "Fits better", "Gain", "Responses"], *rows] if rows else []


def _students(table: pd.DataFrame) -> Table:
    rows = [
        [
            escaped(row.student),
            f"{row.level:+.2f}",
            f"{row.tasks:,}",
            f"{row.mastered} of {row.skills}",
            str(row.spinning),
            f"{row.to_do:.0f} [{row.to_do_low:.0f}, {row.to_do_high:.0f}]",
        ]
        for row in table.sort_values(["spinning", "to_do"], ascending=False, kind="stable").head(_ROWS).itertuples()
    ]
    return [["Student", "Level", "Practice", "Mastered", "Wheel-spinning", "Tasks to do"], *rows]


def _practice(table: pd.DataFrame) -> Table:
    rows = [
        [
            escaped(row.skill),
            _tasks(row.median),
            f"{row.tasks / max(1, row.students):.1f}",
            percent(row.mastered, 0),
            f"{row.extra:,}",
            f"{row.left_early:,}",
        ]
        for row in table.nlargest(_ROWS, "tasks").itertuples()
    ]
    head = ["Skill", "Tasks to mastery", "Tasks done", "Mastered", "Tasks after mastery", "Students who leave before"]
    return [head, *rows]


def _tasks(value: float) -> str:
    return f"{value:.0f}" if value <= MOST else f"more than {MOST}"


def _slopes(table: pd.DataFrame) -> dict[str, Any]:
    """AFM's slopes of the most practised skills, with their intervals."""
    shown = table.dropna(subset=["slope"]).nlargest(_ROWS, "interactions").sort_values("slope")
    trace = {
        "type": "scatter",
        "mode": "markers",
        "x": shown["slope"].tolist(),
        "y": [str(label)[:40] for label in shown["skill"]],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": (shown["slope_high"] - shown["slope"]).tolist(),
            "arrayminus": (shown["slope"] - shown["slope_low"]).tolist(),
        },
        "marker": {"color": "#0072b2"},
    }
    layout = {
        "title": {"text": f"AFM slope of the {len(shown)} most practised skills, 95 % interval", "font": {"size": 15}},
        "height": 120 + 20 * len(shown),
        "margin": {"l": 240, "r": 20, "t": 46, "b": 50},
        "xaxis": {"title": {"text": "logits per opportunity"}, "zeroline": True},
        "yaxis": {"type": "category"},
        "template": "none",
    }
    return {"data": [trace] if len(shown) else [], "layout": layout}
