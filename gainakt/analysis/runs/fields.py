"""What is known of a run, by name: its own facts, every setting, every measure, the verdict."""

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from gainakt.config import fields as settings
from gainakt.config import renamed
from gainakt.errors import InputError
from gainakt.measures.registry import MEASURES

Kind = Literal["number", "text", "flag", "time", "list"]
Of = Literal["run", "setting", "final", "epochs", "verdict"]


@dataclass(frozen=True)
class Field:
    """One thing known of each run; `of` says where it comes from.

    `better` is the good direction of a measure, "" where neither is; `short` heads a narrow column.
    """

    name: str
    label: str
    help: str
    kind: Kind
    of: Of
    better: str = ""
    short: str = ""

    @property
    def heading(self) -> str:
        """What heads its column."""
        return self.short or self.label


_FACTS: tuple[tuple[str, str, str, Kind], ...] = (
    ("name", "Name", "The run's name.", "text"),
    ("status", "Status", "queued, running, paused, finished, stopped, failed or interrupted.", "text"),
    ("preset", "Preset", "The settings that it started from.", "text"),
    ("data", "Data", "The name of its data.", "text"),
    ("created", "Created", "When it was queued; compare with a date such as 2026-11-28.", "time"),
    ("tags", "Tags", "What it was tagged with; = asks whether it has the tag.", "list"),
    ("notes", "Notes", "What was noted on it.", "text"),
    ("favourite", "Favourite", "Whether it has a star.", "flag"),
    (
        "origin",
        "Origin",
        "steered: a setting was changed while it trained. branch: trained on from a kept moment of another run. replay:"
        " another run trained again. twin: a steered run trained as if nobody had touched it. tried before: an earlier"
        " run had the same settings, data and seed.",
        "list",
    ),
    ("tried_before", "Tried before", "Whether an earlier run had the same settings, data and seed.", "flag"),
    ("epochs", "Epochs", "Epochs that were trained.", "number"),
    ("step", "Step", "Steps that were trained.", "number"),
    ("seconds", "Took", "Seconds that it trained.", "number"),
    ("changes", "Changes", "Times that it was steered.", "number"),
    ("device", "Device", "What it trained on.", "text"),
    ("data_fingerprint", "Data fingerprint", "The same for the same data.", "text"),
    ("published", "Published", "Whether it is a record from the literature.", "flag"),
    ("archived", "Archived", "Whether it was put aside.", "flag"),
    ("run_id", "Run id", "What names it on the command line and in links.", "text"),
)
_VERDICT: tuple[tuple[str, str, str, Kind], ...] = (
    (
        "verdict",
        "Verdict",
        "Do skills differ? Does the response matter? ✓ pass, ○ no evidence, ? not tested. Then how many of the six"
        " criteria of the original study pass.",
        "list",
    ),
    (
        "standing",
        "Differentiated",
        "differentiated, not differentiated, or not tested: what both questions come to.",
        "text",
    ),
    ("skills_differ", "Skills differ", "pass, no evidence or not tested.", "text"),
    ("response_matters", "Response matters", "pass, no evidence or not tested.", "text"),
    ("criteria_passed", "Criteria", "How many of the six criteria of the original study pass.", "number"),
)
OF_EPOCHS = {
    "best": "best over the epochs",
    "best_epoch": "the epoch of its best value",
    "last": "in the last epoch",
    "last_epoch": "the epoch of its last value",
}
"""Ending of a field's name -> what of a measure's course over epochs it is; measured on the validation students."""


@cache
def all_fields() -> dict[str, Field]:
    """Every field by name, in the order in which they are offered."""
    return {field.name: field for field in _all()}


def _all() -> Iterator[Field]:
    yield from (Field(*fact, of="run") for fact in _FACTS)
    yield from (Field(*fact, of="verdict") for fact in _VERDICT)
    for one in MEASURES.values():
        students = "Test students." if one.of == "split" else "The whole run."
        yield Field(one.name, one.label, f"{students} {one.help}", "number", "final", one.better, one.short)
        if one.of != "split":
            continue
        for end, what in OF_EPOCHS.items():
            if one.better or not end.startswith("best"):
                better = one.better if end in ("best", "last") else ""
                short = (
                    f"at epoch, {end.split('_')[0]}" if end.endswith("epoch") else f"{one.short or one.label}, {end}"
                )
                text = f"Validation students, {what}. {one.help}"
                yield Field(f"{one.name}.{end}", f"{one.label}, {what}", text, "number", "epochs", better, short)
    for spec in settings().values():
        kind: Kind = "flag" if spec.kind is bool else "number" if spec.kind in (int, float) else "text"
        yield Field(spec.name, spec.label, spec.help, kind, "setting")


def named(name: str) -> Field:
    """The field of this name, or of a setting's former one; raises InputError that says what there is."""
    known = all_fields()
    found = known.get(renamed(name))
    if found is None:
        ends: dict[str, str] = {field.name.rpartition(".")[2]: field.name for field in known.values()}
        near = difflib.get_close_matches(name, [*known, *ends], 1)
        meant = f"; did you mean {near[0] if near[0] in known else ends[near[0]]}?" if near else "."
        facts = ", ".join(field.name for field in known.values() if field.of in ("run", "verdict"))
        raise InputError(
            f"unknown field {name!r}{meant} A field is one of {facts}; a setting such as weights.variance"
            " (docs/settings.md); or a measure such as gain_std or encoder2_auc.best (docs/measures.md)"
        )
    return found


def with_epochs(columns: Iterable[str]) -> tuple[str, ...]:
    """The columns, each best or last value followed by the epoch that it is of."""
    known = all_fields()
    pairs = ((name, f"{name}_epoch") for name in columns)
    return tuple(dict.fromkeys(part for pair in pairs for part in pair if part in known))


DEFAULT_COLUMNS = (
    "status", "verdict", *(name for name, one in MEASURES.items() if "runs" in one.tables), "data", "created",
    "origin", "tags", "epochs", "seconds", "preset", "run_id",
)  # fmt: skip
"""The columns of the Runs page, after the star and the name."""
