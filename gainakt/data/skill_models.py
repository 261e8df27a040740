"""Several KC models in one export: what each is like, and which one is read when none is asked for."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import duckdb

from gainakt.config import DataConfig
from gainakt.data.mapping import plain
from gainakt.data.readers import Loaded

NOT_SKILLS = ("singlekc", "uniquestep")
"""Models that DataShop adds to every data set: one skill for all steps, and one for each step."""
COVERED = 0.9
"""Part of the best coverage that a model must have to be preferred."""
_NAMED = 6
PRACTISED = 0.2
"""Share of a student's skills that must be met twice for a model to be preferred."""

RULE = (
    "the first in the file with two skills or more that is not Single-KC or Unique-step, covers nine tenths of what the"
    " best covers, and lets students meet a fifth of their skills twice"
)


@dataclass(frozen=True)
class SkillModel:
    """A KC model: skills (combinations count as one), rows with a skill, and how much of it is practised.

    `coverage` is the share of rows that have a skill; `practised` the share of pairs of student and skill with two
    responses or more.
    """

    name: str
    skills: int
    coverage: float
    practised: float


def chosen(
    connection: duckdb.DuckDBPyConnection, loaded: list[Loaded], config: DataConfig, notes: list[str]
) -> tuple[list[Loaded], tuple[dict[str, Any], ...]]:
    """The files with the columns of one model as their skill, and the figures of all models, `used` at one of them."""
    with_models = [one for one in loaded if one.opened.mapping.skill_models]
    names = list(dict.fromkeys(name for one in with_models for name in one.opened.mapping.skill_models))
    if len(names) < 2:
        return loaded, ()
    models = [_describe(connection, name, with_models) for name in names]
    asked = config.skill_model.removeprefix("KC (").removesuffix(")") if config.skill_model not in names else ""
    name = asked or config.skill_model or preferred(models).name
    if not config.skill_model:
        notes.append(_said(models, name))
    return [_reading(one, name) for one in loaded], tuple({**asdict(one), "used": one.name == name} for one in models)


def _reading(loaded: Loaded, name: str) -> Loaded:
    mapping = loaded.opened.mapping
    if name not in mapping.skill_models:
        return loaded
    columns = {**mapping.columns, "skill": mapping.skill_models[name]}
    return replace(loaded, opened=replace(loaded.opened, mapping=replace(mapping, columns=columns)))


def _describe(connection: duckdb.DuckDBPyConnection, name: str, files: Sequence[Loaded]) -> SkillModel:
    """A model's figures over all files."""
    parts = [(one.relation, one.opened.mapping) for one in files if name in one.opened.mapping.skill_models]
    rows = " UNION ALL ".join(
        f"SELECT label(c{mapping.columns['student'][0]}) AS student,"
        f" {_combination(mapping.skill_models[name])} AS skill FROM {relation} WHERE problem IS NULL"
        for relation, mapping in parts
    )
    total, covered, skills, pairs, twice = connection.execute(
        f"""SELECT sum(n), coalesce(sum(n) FILTER (skill IS NOT NULL), 0), count(DISTINCT skill),
            count(*) FILTER (skill IS NOT NULL), count(*) FILTER (skill IS NOT NULL AND n > 1)
        FROM (SELECT student, skill, count(*) AS n FROM ({rows}) GROUP BY student, skill)"""
    ).fetchall()[0]
    return SkillModel(name, int(skills), int(covered) / max(1, int(total or 0)), int(twice) / max(1, int(pairs)))


def _combination(columns: Sequence[int]) -> str:
    cells = ", ".join(f"label(c{index})" for index in columns)
    return (
        "nullif(array_to_string(list_sort(list_distinct(list_filter("
        f"string_split(concat_ws('~~', {cells}), '~~'), lambda part: trim(part) <> ''))), '~~'), '')"
    )


def preferred(models: Sequence[SkillModel]) -> SkillModel:
    """The model that RULE prefers; conditions that none meets are dropped from the last."""
    return max(models, key=lambda model: _meets(model, models))  # the first of equals


def _meets(model: SkillModel, models: Sequence[SkillModel]) -> tuple[bool, bool, bool]:
    """Which conditions of RULE a model meets, the weightiest first."""
    proper = model.skills > 1 and plain(model.name) not in NOT_SKILLS
    best = max(one.coverage for one in models)
    return proper, model.coverage >= COVERED * best, model.practised >= PRACTISED


def _said(models: Sequence[SkillModel], chosen: str) -> str:
    """One sentence on which of several models is read and why."""
    model = next(one for one in models if one.name == chosen)
    others = [f"{one.name} ({one.skills})" for one in models if one.name != chosen]
    more = f" and {len(others) - _NAMED:,} more" if len(others) > _NAMED else ""
    rule = RULE if all(_meets(model, models)) else f"the nearest to this rule, which none meets: {RULE}"
    skills = "1 skill" if model.skills == 1 else f"{model.skills:,} skills"
    return (
        f"KC model {chosen!r} is read, {rule}. It has {skills}, {model.coverage:.0%} of rows,"
        f" {model.practised:.0%} of a student's skills met twice. Also there, with their skills:"
        f" {', '.join(others[:_NAMED])}{more} (data.skill_model)"
    )
