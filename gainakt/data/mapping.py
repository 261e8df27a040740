"""Headers -> the columns that hold student, skill, response, time, question, fold and attempt."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gainakt.config import DataConfig
from gainakt.errors import InputError

ROLES = ("student", "skill", "response", "time", "question", "fold", "attempt")
REQUIRED = ("student", "skill", "response")

KNOWN: dict[str, tuple[str, ...]] = {
    "student": (
        "anon_student_id",
        "user_id",
        "student_id",
        "studentid",
        "userid",
        "uid",
        "uuid",
        "user",
        "student",
        "learner_id",
        "learner",
        "username",
        "itest_id",
    ),
    "skill": (
        "skill_name",
        "skill",
        "skill_id",
        "skills",
        "concept",
        "concept_id",
        "kc",
        "knowledge_component",
        "tags",
        "tag",
        "exercise",
        "ucid",
        "sequence_id",
        "topic",
    ),
    "response": (
        "correct",
        "first_attempt",
        "correct_first_attempt",
        "outcome",
        "answer_correct",
        "answered_correctly",
        "is_correct",
        "response",
        "result",
        "score",
    ),
    "time": (
        "order_id",
        "order",
        "timestamp",
        "first_transaction_time",
        "time_done",
        "timestamp_tw",
        "start_time",
        "starttime",
        "step_start_time",
        "time",
        "datetime",
        "date",
        "created_at",
        "log_id",
        "problem_log_id",
    ),
    "question": (
        "question_id",
        "problem_id",
        "problemid",
        "item_id",
        "item",
        "question",
        "content_id",
        "upid",
        "exercise_id",
    ),
    "fold": ("fold",),
    "attempt": ("order_id", "problem_log_id"),
}
"""Headers of the field by role, the first that is there counts; compared in lower case with _ for spaces."""

SEQUENCES: dict[str, tuple[str, ...]] = {
    "student": ("uid", "user_id", "student", "student_id"),
    "skill": ("concepts", "skills"),
    "response": ("responses",),
    "time": (),
    "question": ("questions",),
    "fold": ("fold",),
    "attempt": ("is_repeat",),
}
SKILL_LISTS = {"concepts": "_", "skill_id": "_", "skills": "_", "tags": ";"}
"""Signs that stand between numbers in these columns when a question has several skills."""

_SKILL_MODEL = re.compile(r"^KC\s*\((.+)\)$", re.IGNORECASE)


@dataclass(frozen=True)
class Mapping:
    """Which columns (indices into the header) hold a role; several are read as one value."""

    header: tuple[str, ...]
    sequences: bool
    columns: dict[str, tuple[int, ...]]
    skill_models: tuple[str, ...]

    @property
    def needed(self) -> tuple[int, ...]:
        """Indices of all columns that are read."""
        return tuple(sorted({index for indices in self.columns.values() for index in indices}))

    def named(self, role: str) -> str:
        """The header of a role's column, for messages."""
        return " + ".join(dict.fromkeys(self.header[index] for index in self.columns.get(role, ())))

    def skill_separator(self) -> str:
        """The sign that stands between numbered skills in this skill column, or nothing."""
        first = self.columns["skill"][0] if "skill" in self.columns else 0
        return SKILL_LISTS.get(_plain(self.header[first]), "")


def _plain(name: str) -> str:
    return re.sub(r"[\s\-]+", "_", name.strip().strip('"').lower())


def skill_models(header: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """The KC models of a DataShop export with their columns; a transaction export repeats a model's column."""
    models: dict[str, tuple[int, ...]] = {}
    for index, name in enumerate(header):
        if found := _SKILL_MODEL.match(name.strip()):
            models[found[1]] = (*models.get(found[1], ()), index)
    return models


def is_sequences(header: Sequence[str]) -> bool:
    """Whether this is the header of a pyKT sequence file."""
    names = {_plain(name) for name in header}
    return "responses" in names and bool(names & {"concepts", "skills"})


def guess(file: Path, header: Sequence[str], config: DataConfig) -> Mapping:
    """The columns asked for, and the rest by known headers.

    Raises InputError that names the file, the missing role, the columns there and the setting that names one.
    """
    mapping = found(file, header, config)
    missing = [role for role in REQUIRED if role not in mapping.columns]
    if missing:
        kind = "a pyKT sequence file" if mapping.sequences else "a table of responses"
        raise InputError(
            f"{file}, row 1: missing column(s) for {', '.join(missing)} of {kind}; columns here:"
            f" {', '.join(header)[:500]}; name them by {', '.join(f'data.{role}_column' for role in missing)}"
        )
    return mapping


def found(file: Path, header: Sequence[str], config: DataConfig) -> Mapping:
    """The columns asked for and those known, whichever are there; raises InputError for one asked for in vain."""
    sequences = config.format == "sequences" or (config.format == "auto" and is_sequences(header))
    models = {} if sequences else skill_models(header)
    columns = {}
    for role in ROLES:
        asked = getattr(config, f"{role}_column").strip()
        if (asked == "-" and role not in REQUIRED) or (sequences and role == "time"):
            continue  # the responses of a sequence are in order
        if asked:
            indices = _asked(file, header, role, asked)
        elif role == "skill" and (models or config.skill_model):
            indices = _model(file, models, config.skill_model)
        else:
            indices = _known(header, role, SEQUENCES if sequences else KNOWN)
        if indices:
            columns[role] = indices
    return Mapping(tuple(header), sequences, columns, tuple(models))


def _asked(file: Path, header: Sequence[str], role: str, asked: str) -> tuple[int, ...]:
    names = [name.strip() for name in header]
    if asked in names:
        return (names.index(asked),)
    plain = [_plain(name) for name in names]
    if _plain(asked) in plain:
        return (plain.index(_plain(asked)),)
    there = ", ".join(header)[:500]
    raise InputError(f"{file}, row 1: no column {asked!r} (data.{role}_column); columns here: {there}")


def _model(file: Path, models: dict[str, tuple[int, ...]], asked: str) -> tuple[int, ...]:
    if not asked:
        return next(iter(models.values()))
    for name, columns in models.items():
        if asked in (name, f"KC ({name})"):
            return columns
    raise InputError(f"{file}: no skill model {asked!r} (data.skill_model); there: {', '.join(models) or 'none'}")


def _known(header: Sequence[str], role: str, known: dict[str, tuple[str, ...]]) -> tuple[int, ...]:
    plain = [_plain(name) for name in header]
    if role == "question" and {"problem_name", "step_name"} <= set(plain):
        return plain.index("problem_name"), plain.index("step_name")
    return next(((plain.index(name),) for name in known[role] if name in plain), ())


def repeated(mapping: Mapping) -> list[str]:
    """Mapped headers that stand more than once, of which the first is read."""
    plain = [_plain(name) for name in mapping.header]
    used = {mapping.header[i] for role, found in mapping.columns.items() for i in found if len(found) == 1}
    return sorted(name for name in used if plain.count(_plain(name)) > 1)
