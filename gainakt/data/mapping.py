"""Headers -> the columns that hold student, skill, response, time, question, fold and attempt."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from gainakt.config import DataConfig
from gainakt.errors import InputError

ROLES = ("student", "skill", "response", "time", "question", "fold", "attempt")
REQUIRED = ("student", "skill", "response")


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


KNOWN: dict[str, tuple[str, ...]] = {
    "student": _words(
        "anonstudentid userid studentid uid uuid user student learnerid learner username itestid stuid sid"
        " studentname pupilid pupil participantid participant subjectid idstudent studentnumber"
        " emailaddress emailadresse email"
    ),
    "skill": _words(
        "skillname skill skillid skills concept conceptid kc knowledgecomponent tags tag exercise ucid sequenceid topic"
        " concepts conceptname kcs kcid kcname skillids tagid tagids topicid topicname knowledgeconcept knowledgepoint"
        " subjectid constructid constructname skillcode competency competence standard learningobjective objective"
    ),
    "response": _words(
        "correct firstattempt correctfirstattempt outcome answercorrect answeredcorrectly iscorrect response result"
        " score correctness cfansbin isright passed discretescore points"
    ),
    "time": _words(
        "orderid order timestamp firsttransactiontime timedone timestamptw starttime stepstarttime time datetime date"
        " createdat logid problemlogid servertimestamp submittedat dateanswered"
    ),
    "question": _words(
        "questionid problemid itemid item question contentid upid exerciseid taskid itemname probid problem task"
    ),
    "fold": ("fold",),
    "attempt": ("orderid", "problemlogid"),
}
"""Headers of the field by role: the first that is there counts; `plain` says how names are compared."""

SEQUENCES: dict[str, tuple[str, ...]] = {
    "student": ("uid", "userid", "student", "studentid"),
    "skill": ("concepts", "skills"),
    "response": ("responses",),
    "time": (),
    "question": ("questions",),
    "fold": ("fold",),
    "attempt": ("isrepeat",),
}
SKILL_LISTS = ("concepts", "skillid", "skillids", "skills", "tags", "tagids", "kcs")
"""Columns in which numbers may stand in lists, when a question has several skills."""

STEP = ("problemname", "problemview", "stepname")
"""What tells the steps of a DataShop transaction export apart."""
TRIES = ("attempt", "attemptnumber", "attemptno", "attemptnr", "attemptnum", "nthattempt", "trynumber")
"""Columns that count a student's attempts at a question; not attempt_count, which is how many there were in all."""
SCORES = ("score", "points", "marks", "mark", "result", "pointsearned", "grade")
MAXIMA = (
    "maxscore", "scoremax", "maxpoints", "pointsmax", "maxmark", "maxmarks", "maxgrade", "maximum", "maximumscore",
    "maximumpoints", "pointspossible", "possiblepoints", "possiblescore", "outof",
)  # fmt: skip
"""Columns of scores, and of the score that a correct response has."""

_SKILL_MODEL = re.compile(r"^KC(?:\s*\((?P<name>.+)\)|\.{1,2}(?!Category\.)(?P<dotted>.+)\.)(?:\.\d+)?$", re.IGNORECASE)
_PANDAS_COPY = re.compile(r"(?<=[^\d.])\.\d+$")


@dataclass(frozen=True)
class Mapping:
    """Which columns (indices into the header) hold a role; several are read as one value.

    `skill_models` are the columns of each KC model; `step` tells the steps or questions apart of which the first
    attempts count, by the number in the column `nth` where there is one; `most` holds the full score of each row.
    """

    header: tuple[str, ...]
    sequences: bool
    columns: dict[str, tuple[int, ...]]
    skill_models: dict[str, tuple[int, ...]] = field(default_factory=dict)
    step: tuple[int, ...] = ()
    nth: int | None = None
    most: int | None = None

    @property
    def needed(self) -> tuple[int, ...]:
        """Indices of all columns that are read."""
        single = tuple(index for index in (self.nth, self.most) if index is not None)
        groups = (*self.columns.values(), *self.skill_models.values(), self.step, single)
        return tuple(sorted({index for group in groups for index in group}))

    def named(self, role: str) -> str:
        """The header of a role's column, for messages."""
        return " + ".join(dict.fromkeys(self.header[index] for index in self.columns.get(role, ())))

    @property
    def numbered_lists(self) -> bool:
        """Whether signs between numbers part skills in this skill column."""
        return "skill" in self.columns and plain(self.header[self.columns["skill"][0]]) in SKILL_LISTS

    @property
    def joined_names(self) -> bool:
        """Whether _ may stand between names of skills, as between the ids in the column beside them (ASSISTments)."""
        names = {plain(name) for name in self.header}
        skill = [plain(self.header[index]) for index in self.columns.get("skill", ())]
        return skill == ["skillname"] and "skillid" in names


def plain(name: str) -> str:
    """A name by its letters and digits alone, without the .1 that pandas puts after a name's second use."""
    return re.sub(r"[\W_]+", "", _PANDAS_COPY.sub("", name.strip()).lower())


def skill_models(header: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """The KC models of a DataShop export with their columns.

    A transaction export repeats the column of a model whose steps have several skills. A student-step export has one
    column per model: there, models of the same name are told apart by a number.
    """
    several = "outcome" in {plain(name) for name in header}
    models: dict[str, tuple[int, ...]] = {}
    for index, column in enumerate(header):
        if not (found := _SKILL_MODEL.match(column.strip())):
            continue
        name = found["name"] or found["dotted"]
        if name in models and not several:
            name = next(f"{name} ({n})" for n in range(2, len(header) + 2) if f"{name} ({n})" not in models)
        models[name] = (*models.get(name, ()), index)
    return models


def known_roles(header: Sequence[str]) -> set[str]:
    """The roles that these names are known for, in a table or a sequence file."""
    kinds = (SEQUENCES,) if is_sequences(header) else (KNOWN,)
    found = {role for kind in kinds for role in ROLES if _known(header, role, kind)}
    return found | ({"skill"} if skill_models(header) else set())


def is_sequences(header: Sequence[str]) -> bool:
    """Whether this is the header of a pyKT sequence file."""
    names = {plain(name) for name in header}
    return "responses" in names and bool(names & {"concepts", "skills"})


def guess(place: str, header: Sequence[str], config: DataConfig) -> Mapping:
    """The columns asked for, and the rest by known headers; `place` is where the header stands, for errors.

    Raises InputError that names the place, the missing role, the columns there and the setting that names one.
    """
    mapping = found(place, header, config)
    if missing(mapping):
        raise InputError(complaint(place, mapping))
    return mapping


def missing(mapping: Mapping) -> list[str]:
    """The roles that every table needs and this one has no column for."""
    return [role for role in REQUIRED if role not in mapping.columns]


def complaint(place: str, mapping: Mapping) -> str:
    """What is missing and the settings that name it."""
    kind = "a pyKT sequence file" if mapping.sequences else "a table of responses"
    roles = missing(mapping)
    return (
        f"{place}: missing column(s) for {', '.join(roles)} of {kind}; columns here:"
        f" {', '.join(mapping.header)[:500]}; name them by {', '.join(f'data.{role}_column' for role in roles)}"
    )


def found(place: str, header: Sequence[str], config: DataConfig) -> Mapping:
    """The columns asked for and those known, whichever are there; raises InputError for one asked for in vain."""
    sequences = config.format == "sequences" or (config.format == "auto" and is_sequences(header))
    models = {} if sequences or config.skill_column else skill_models(header)
    columns: dict[str, tuple[int, ...]] = {}
    for role in ROLES:
        asked = getattr(config, f"{role}_column").strip()
        if (asked == "-" and role not in REQUIRED) or (sequences and role == "time"):
            continue  # the responses of a sequence are in order
        if asked:
            indices = _asked(place, header, role, asked)
        elif role == "skill" and (models or config.skill_model):
            indices = _model(place, models, config.skill_model)
        else:
            indices = _known(header, role, SEQUENCES if sequences else KNOWN, columns.get("student", ()))
        if indices:
            columns[role] = indices
    step, nth = _attempts(header, columns) if config.attempts == "first" and not sequences else ((), None)
    most = None if sequences or config.full_credit else _most(header, columns)
    return Mapping(tuple(header), sequences, columns, models, step, nth, most)


def _attempts(header: Sequence[str], columns: dict[str, tuple[int, ...]]) -> tuple[tuple[int, ...], int | None]:
    """The columns that identify a step or question and number its attempts, where each attempt has a row."""
    names = [plain(name) for name in header]
    response = [names[index] for index in columns.get("response", ())]
    if "student" not in columns:
        return (), None
    if response != ["outcome"] or not {"transactionid", "attemptatstep"} & set(names):
        nth = next((names.index(name) for name in TRIES if name in names), None)
        taken = {index for indices in columns.values() for index in indices}
        question = columns.get("question", ())
        if nth is None or nth in taken or question == columns.get("skill"):  # then attempts are the practice
            return (), None
        return question, nth
    step = tuple(names.index(name) for name in STEP if name in names)
    return step, names.index("attemptatstep") if "attemptatstep" in names else None


def _most(header: Sequence[str], columns: dict[str, tuple[int, ...]]) -> int | None:
    """The column of the score that a correct response has, where the responses are scores."""
    names = [plain(name) for name in header]
    if [names[index] for index in columns.get("response", ())][:1] not in [[name] for name in SCORES]:
        return None
    return next((names.index(name) for name in MAXIMA if name in names), None)


def _asked(place: str, header: Sequence[str], role: str, asked: str) -> tuple[int, ...]:
    names = [name.strip() for name in header]
    if asked in names:
        return (names.index(asked),)
    same = [plain(name) for name in names]
    if plain(asked) in same:
        return (same.index(plain(asked)),)
    there = ", ".join(header)[:500]
    raise InputError(f"{place}: no column {asked!r} (data.{role}_column); columns here: {there}")


def _model(place: str, models: dict[str, tuple[int, ...]], asked: str) -> tuple[int, ...]:
    if not asked:
        return next(iter(models.values()))
    for name, columns in models.items():
        if asked in (name, f"KC ({name})"):
            return columns
    raise InputError(f"{place}: no skill model {asked!r} (data.skill_model); there: {', '.join(models) or 'none'}")


def _known(
    header: Sequence[str], role: str, known: dict[str, tuple[str, ...]], taken: tuple[int, ...] = ()
) -> tuple[int, ...]:
    names = ["" if index in taken else plain(name) for index, name in enumerate(header)]
    if role == "question" and {"problemname", "stepname"} <= set(names):
        return names.index("problemname"), names.index("stepname")
    return next(((names.index(name),) for name in known[role] if name in names), ())


def repeated(mapping: Mapping) -> list[str]:
    """Mapped headers that stand more than once, of which the first is read."""
    names = [plain(name) for name in mapping.header]
    used = {mapping.header[i] for role, found in mapping.columns.items() for i in found if len(found) == 1}
    return sorted(name for name in used if names.count(plain(name)) > 1 and not _SKILL_MODEL.match(name.strip()))
