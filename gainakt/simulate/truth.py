"""The truth beside a file of responses: F.truth.json, written by `simulate`, welcome from any other generator.

One JSON object; what is missing is not known, and then what depends on it is not computed (never guessed). Fields:

- `family`: "own" (default), "pfa" or "bkt"; the formulas stand in `families.py`.
- `skills`: object of equally long lists. `label` (required): as in the file's skill column. `effective_rate`: beta x
  mean gamma x (mean gain after correct + mean gain after incorrect) / 2; enough by itself for the recovery of rates.
  `rate`: the same for a student of gamma 1 and a gain of 1. `offset`, `saturation` (M_sat), `threshold` (theta),
  `group` (-1: none). For bkt: rate = -ln(1 - P(learn)), offset = -logit(P(known at first)).
- `students`: object of equally long lists: `label` (required), `gamma` (velocity), `ability` (added to the curve's
  argument). Missing: gamma 1, ability 0 for everybody. Above 20,000 students they stand in F.truth.parquet instead.
- `temperature`, `gain_after_correct`, `gain_after_incorrect` (factors of `rate`; 1), `guess`, `slip`, `forgetting`
  (share of practice lost per interaction), `transfer` (share of a skill's gain that its group's interactions feed it),
  `skill_level_sd` (spread of a student's initial mastery between skills; drawn from `level_seed` and the places of the
  student and the skill in these lists): numbers; 0 where no other value is named. The own family's
  probabilities need `temperature`.
- `items`: object of lists `label`, `difficulty` (logits); present when items differ.
- `format` ("gainakt-truth"), `version` (1), `scenario`, `seed`, `settings`: where it comes from; not needed.

A skill label that joins several with "~~" ("3~~7") stands for an item that needs them all, when each is in `skills`.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gainakt.data.interactions import Interactions, atomic
from gainakt.errors import InputError
from gainakt.simulate.engine import replay
from gainakt.simulate.parameters import Course, Truth

_MANY = 20_000
_PER_SKILL = ("rate", "effective_rate", "offset", "saturation", "threshold", "group")
_SHARED = {
    "temperature": np.nan,
    "gain_after_correct": 1.0,
    "gain_after_incorrect": 1.0,
    "guess": 0.0,
    "slip": 0.0,
    "forgetting": 0.0,
    "transfer": 0.0,
    "skill_level_sd": 0.0,
    "level_seed": 0.0,
}
_NEEDED = {"own": ("rate", "offset", "saturation", "threshold"), "pfa": ("rate", "offset"), "bkt": ("rate", "offset")}


def truth_path(path: str | Path) -> Path:
    """F.truth.json of the file F."""
    return Path(f"{path}.truth.json")


def save_truth(path: Path, course: Course, truth: Truth, students: list[str], origin: Mapping[str, Any]) -> list[Path]:
    """Write the truth beside the file `path`; the files written."""
    alone = truth.parts.shape[0] if truth.parts.shape[1] == 1 else int((truth.parts[:, 1] < 0).sum())
    content = {"format": "gainakt-truth", "version": 1, **origin, "family": truth.family}
    content["skills"] = {"label": course.labels[:alone]} | {
        name: getattr(truth, name)[:alone].tolist() for name in _PER_SKILL
    }
    content |= {name: getattr(truth, name) for name in _SHARED}
    if truth.item_sd:
        content["items"] = {"label": truth.item_labels, "difficulty": truth.item_difficulty[:-1].tolist()}
    written = [truth_path(path)]
    if len(students) > _MANY:
        written.append(truth_path(path).with_suffix(".parquet"))
        columns = {"label": students, "gamma": truth.gamma, "ability": truth.ability}
        pq.write_table(pa.table(columns), written[1], compression="zstd")
    else:
        content["students"] = {"label": students, "gamma": truth.gamma.tolist(), "ability": truth.ability.tolist()}
    written[0].write_text(json.dumps(content), encoding="utf-8")
    return written


def truth_beside(path: str | Path) -> dict[str, Any]:
    """The truth found beside a file of responses, as in its JSON; empty where there is none.

    Raises InputError when the file is there but is not a truth.
    """
    place = truth_path(path)
    if not place.is_file():
        return {}
    try:
        content = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{place}: cannot be read as JSON ({error}); correct it or move it away") from None
    if not isinstance(content, dict):
        raise InputError(f"{place}: not a JSON object; correct it or move it away")
    many = place.with_suffix(".parquet")
    if "students" not in content and many.is_file():
        try:
            content["students"] = pq.read_table(many).to_pydict()
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"{many}: cannot be read as Parquet ({error}); correct it or move it away") from None
    _check(content, place)
    return content


def _check(content: dict[str, Any], place: Path) -> None:
    if content.get("family", "own") not in _NEEDED:
        raise InputError(f"{place}: family {content['family']!r}; known: {', '.join(_NEEDED)}")
    for name in ("skills", "students", "items"):
        table = content.get(name)
        if table is None and name != "skills":
            continue
        if not isinstance(table, dict) or not isinstance(table.get("label"), list):
            raise InputError(f"{place}: {name} must be an object with a list `label`")
        for column, values in table.items():
            if not isinstance(values, list) or len(values) != len(table["label"]):
                raise InputError(f"{place}: {name}.{column} must be a list as long as {name}.label")
            if column != "label" and not all(value is None or isinstance(value, int | float) for value in values):
                raise InputError(f"{place}: {name}.{column} must hold numbers or null")
    for name in _SHARED:
        if not isinstance(content.get(name, 0), int | float):
            raise InputError(f"{place}: {name} must be a number; got {content[name]!r}")


def aligned(content: Mapping[str, Any], skills: list[str], students: list[str]) -> Truth:
    """The truth in the order of a data set's own labels; NaN for labels that the truth does not hold."""
    table, people = content["skills"], content.get("students", {"label": []})
    row = {str(label): j for j, label in enumerate(table["label"])}
    here = {label: j for j, label in enumerate(skills)}
    own = {name: _column(table.get(name), row, skills) for name in _PER_SKILL}
    parts = []
    for label in skills:
        pieces = [label] if label in row else atomic(label)
        parts.append(pieces if all(piece in row for piece in pieces) else [label])
        for piece in parts[-1]:  # a skill that is asked only together with others
            if piece not in here:
                here[piece] = len(here)
    extra = list(here)[len(skills) :]
    own = {name: np.append(own[name], _column(table.get(name), row, extra)) for name in own}
    parts += [[label] for label in extra]
    width = max((len(pieces) for pieces in parts), default=1)
    own["group"] = np.nan_to_num(own["group"], nan=-1).astype(np.int64)
    person = {str(label): j for j, label in enumerate(people["label"])}
    items = content.get("items", {"label": [], "difficulty": []})
    shared: dict[str, Any] = {name: float(content.get(name, default)) for name, default in _SHARED.items()}
    shared["level_seed"] = int(shared["level_seed"])
    known: dict[str, Any] = own | shared
    return Truth(
        family=content.get("family", "own"),
        parts=np.array([[here[p] for p in pieces] + [-1] * (width - len(pieces)) for pieces in parts], np.int64),
        gamma=_column(people.get("gamma"), person, students, absent=1.0),
        ability=_column(people.get("ability"), person, students, absent=0.0),
        item_labels=[str(label) for label in items["label"]],
        item_difficulty=np.array([*items["difficulty"], np.nan], np.float64),
        item_sd=float(np.std(items["difficulty"])) if items["label"] else 0.0,
        number=np.array([person.get(label, -1) for label in students], np.int64),
        skill_number=np.array([row.get(label, -1) for label in here], np.int64),
        **known,
    )


def _column(values: list[Any] | None, row: dict[str, int], labels: list[str], absent: float = np.nan) -> np.ndarray:
    """`values` by label; NaN for a label that is not in `row`, `absent` everywhere where there are no values."""
    if values is None:
        return np.full(len(labels), absent)
    known = np.array([np.nan if value is None else value for value in values] + [np.nan], np.float64)
    return known[[row.get(label, -1) for label in labels]]


def with_truth(data: Interactions, path: str | Path) -> Interactions:
    """The same data with the truth that stands beside their file, if there is one."""
    content = truth_beside(path)
    return replace(data, truth=vars(aligned(content, data.skills, data.students))) if content else data


def trajectory(data: Interactions) -> tuple[np.ndarray, np.ndarray] | None:
    """True mastery of the asked skill and true probability (N,), before each interaction's response.

    From the parameters in `data.truth` and the responses; NaN where a label's parameters are not known, None where the
    truth holds too little. Where a question was expanded into several skills, all its rows have the question's.
    """
    if not data.truth:
        return None
    truth = Truth(**data.truth)
    lacking = any(np.isnan(getattr(truth, name)).all() for name in _NEEDED[truth.family])
    if lacking or (truth.family == "own" and np.isnan(truth.temperature)) or (truth.item_sd and data.question is None):
        return None
    item = _items(truth, data)
    if data.group is None:
        return replay(truth, data.student, data.skill, data.response, item)
    first, event, joined, label = _by_question(truth, data.skill, data.group)
    found = replay(joined, data.student[first], label, data.response[first], None if item is None else item[first])
    return found[0][event], found[1][event]


def _by_question(
    truth: Truth, skill: np.ndarray, group: np.ndarray
) -> tuple[np.ndarray, np.ndarray, Truth, np.ndarray]:
    """Each question's first row, each row's question, a truth whose labels join siblings' skills, and those labels."""
    _, first, event = np.unique(group, return_index=True, return_inverse=True)
    parts = np.full((len(first), int(np.bincount(event).max())), -1)
    parts[event, np.arange(len(event)) - first[event]] = skill
    asked, label = np.unique(parts, axis=0, return_inverse=True)
    single = np.full((len(truth.rate), parts.shape[1]), -1)
    single[:, 0] = np.arange(len(single))
    columns: dict[str, Any] = {
        name: np.append(getattr(truth, name), np.full(len(asked), np.nan)) for name in _PER_SKILL if name != "group"
    }
    for name in ("group", "skill_number"):
        columns[name] = np.append(getattr(truth, name), np.full(len(asked), -1))
    joined = replace(truth, parts=np.concatenate([single, asked]), **columns)
    return first, event, joined, len(single) + label.reshape(-1)


def _items(truth: Truth, data: Interactions) -> np.ndarray | None:
    """Index of each interaction's item in `truth.item_difficulty`, whose last entry stands for the unknown."""
    if not truth.item_sd or data.question is None:
        return None
    row = {label: j for j, label in enumerate(truth.item_labels)}
    return np.asarray(np.array([row.get(label, -1) for label in data.questions])[data.question])
