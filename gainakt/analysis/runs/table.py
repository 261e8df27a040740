"""All runs with the fields that are asked for, a row each, from a few queries about all of them at once."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

import pandas as pd

from gainakt.analysis.runs.fields import Field, all_fields, named
from gainakt.analysis.runs.where import holds, names, parse
from gainakt.config import fields as settings
from gainakt.config import flatten_stored
from gainakt.measures.registry import MEASURES
from gainakt.store import Run, Store
from gainakt.store.entities import PUBLISHED, WITH_RESULTS
from gainakt.store.facts import TESTED
from gainakt.verdict.criteria import SIGNS, STANDINGS, STATUSES, Finding, Targets, standing
from gainakt.verdict.judge import DEFAULTS, verdict_on

SEED = "training.seed"
_flat: WeakKeyDictionary[Store, dict[str, tuple[dict[str, Any], str]]] = WeakKeyDictionary()


def read(store: Store, wanted: Iterable[str], where: str = "", sort: str = "") -> pd.DataFrame:
    """The runs and published records for which a filter holds, with the wanted fields as columns.

    `sort` is a field, with a minus before it for the largest first; newest first without it. Columns `parent` (the run
    it came from), `setup` (the same for runs that differ in nothing but the seed) and `lineage` come besides. Raises
    InputError for a filter that cannot be read and for an unknown field.
    """
    condition = parse(where)
    order = named(sort.lstrip("-")) if sort else None
    asked = {named(name).name: named(name) for name in (*wanted, *names(condition), *([order.name] if order else ()))}
    table = _facts(store)
    settled = _settings(store)
    for of, add in (("setting", _add_settings), ("final", _add_finals), ("epochs", _add_epochs)):
        fields = [field for field in asked.values() if field.of == of and field.name not in table]
        if fields:
            table = add(store, table, fields)
    if any(field.of == "verdict" for field in asked.values()):
        table = _add_verdicts(store, table)
    table["setup"] = _setups(table, settled)
    _mark_tried(table, settled)
    table = table[holds(condition, table)]
    if order is not None:
        table = table.sort_values(order.name, ascending=not sort.startswith("-"), key=_sortable, kind="stable")
    return table


def _sortable(column: pd.Series) -> pd.Series:
    if column.dtype == object or pd.api.types.is_string_dtype(column):
        return column.map(lambda value: str(value).casefold() if value is not None else "")
    return column


def _facts(store: Store) -> pd.DataFrame:
    table = store.runs(published=None)
    table["tags"] = [json.loads(text) if isinstance(text, str) else [] for text in table["tags"]]
    table["lineage"] = [json.loads(text) if isinstance(text, str) else {} for text in table["lineage"]]
    table["notes"] = table["notes"].fillna("")
    table["parent"] = [came_from(lineage) for lineage in table["lineage"]]
    table["published"] = table["run_id"].str.startswith(PUBLISHED)
    return table.set_index("run_id", drop=False).rename_axis(None)


def came_from(lineage: Mapping[str, Any]) -> str | None:
    """The run that a run came from; a twin's is the run that it is the twin of."""
    return lineage.get("twin") or lineage.get("parent") or lineage.get("replay")


def badges(lineage: Mapping[str, Any], steered: bool) -> list[str]:
    """What is special about how a run came about, for lists: steered, branch, replay, twin, sweep, yardstick."""
    if "benchmark" in lineage:
        return ["yardstick"]
    if "twin" in lineage:
        return ["twin, steered" if lineage.get("steered") else "twin"]
    kinds = {"parent": "branch", "replay": "replay", "sweep": "sweep"}
    came = [badge for name, badge in kinds.items() if name in lineage][:1]
    return [*came, *(["steered"] if steered else [])]


def _settings(store: Store) -> dict[str, tuple[dict[str, Any], str]]:
    """Run -> its settings by name, and a text that runs share whose settings are the same but for the seed.

    A setting that is newer than the run has its default; a published record states what it states.
    """
    kept = _flat.setdefault(store, {})
    defaults = {name: spec.default for name, spec in settings().items()}
    for run_id, config in store.configs().items():
        if run_id not in kept:
            flat = flatten_stored(config) if run_id.startswith(PUBLISHED) else defaults | flatten_stored(config)
            rest = json.dumps({**flat, SEED: None})  # in the order of the defaults, the same for all runs
            kept[run_id] = flat, hashlib.blake2b(rest.encode(), digest_size=8).hexdigest()
    return kept


def _add_settings(store: Store, table: pd.DataFrame, fields: list[Field]) -> pd.DataFrame:
    settled = _settings(store)
    nothing: tuple[dict[str, Any], str] = ({}, "")
    columns = {
        field.name: pd.Series(
            [settled.get(run_id, nothing)[0].get(field.name) for run_id in table.index],
            table.index,
            dtype=None if field.kind != "number" else float,
        )
        for field in fields
    }
    return pd.concat([table, pd.DataFrame(columns)], axis=1)


def _add_finals(store: Store, table: pd.DataFrame, fields: list[Field]) -> pd.DataFrame:
    splits = {field.name: "test" if MEASURES[field.name].of == "split" else MEASURES[field.name].of for field in fields}
    rows = store.finals(list(splits))
    rows = rows[rows["split"] == rows["name"].map(splits)]
    wide = rows.pivot_table(index="run_id", columns="name", values="value", aggfunc="last")
    return table.join(wide.reindex(columns=list(splits)))


def _add_epochs(store: Store, table: pd.DataFrame, fields: list[Field]) -> pd.DataFrame:
    rows = store.extremes(sorted({f"validation.{field.name.rpartition('.')[0]}" for field in fields}))
    by_name = {name: part.set_index("run_id") for name, part in rows.groupby("name")}
    columns = {}
    for field in fields:
        measure, _, end = field.name.rpartition(".")
        which = end.replace("best", "high" if MEASURES[measure].better == "higher" else "low")
        part = by_name.get(f"validation.{measure}")
        columns[field.name] = (part[which] if part is not None else pd.Series(dtype=float)).reindex(table.index)
    return pd.concat([table, pd.DataFrame(columns)], axis=1)


def _add_verdicts(store: Store, table: pd.DataFrame) -> pd.DataFrame:
    """Both questions and the six criteria of runs that ended; nothing of others."""
    targets: dict[str, float] = DEFAULTS.model_dump()
    table = _add_finals(store, table, [field for n in targets if (field := all_fields()[n]).name not in table])
    fingerprints = table["data_fingerprint"].to_dict()
    tested: dict[str, list[dict[str, Any]]] = {}
    for row in store.journal_rows(None, TESTED):
        tested.setdefault(fingerprints.get(row["run_id"]) or row["run_id"], []).append(row)
    values = table[list(targets)]
    passed = values.gt(pd.Series(targets)).sum(axis=1)
    known = values.notna().any(axis=1)
    kept: dict[Any, dict[str, Finding]] = {}
    configs = store.configs()
    rows: list[tuple[Any, ...]] = []
    for run_id, status, data, *trained, passes, any_known in zip(
        *(table[name] for name in ("run_id", "status", "data_fingerprint", "epochs", "best_encoder2")), passed, known,
        strict=True,
    ):  # fmt: skip
        if status not in WITH_RESULTS:
            rows.append(([], None, None, None, None))
            continue
        epochs, best = (None if pd.isna(value) else int(value) for value in trained)
        on_data = tested.get(data or run_id, [])
        same = run_id if on_data else (epochs == 0, epochs is None, best == 0, run_id.startswith(PUBLISHED))
        if same not in kept:
            kept[same] = verdict_on(_judged(run_id, epochs, best, configs.get(run_id, {})), on_data).questions
        rows.append(_lights(kept[same], passes if any_known else None))
    columns = ("verdict", "standing", "skills_differ", "response_matters", "criteria_passed")
    return pd.concat([table, pd.DataFrame(rows, table.index, columns)], axis=1)


def _lights(questions: Mapping[str, Finding], passed: int | None) -> tuple[Any, ...]:
    skills, response = (finding.status for finding in questions.values())
    lights = [f"skills {SIGNS[skills]}", f"response {SIGNS[response]}"]
    said = STANDINGS[standing((skills, response))].removesuffix(" for differentiation")
    lights += [f"{passed}/{len(Targets.model_fields)}"] if passed is not None else []
    return lights, said, STATUSES[skills], STATUSES[response], passed


def _judged(run_id: str, epochs: int | None, best: int | None, config: dict[str, Any]) -> Run:
    """As much of a run as its verdict asks for."""
    empty: dict[str, Any] = dict.fromkeys(Run.__dataclass_fields__)
    return Run(**{**empty, "run_id": run_id, "epochs": epochs, "best_encoder2": best, "config": config})


def _setups(table: pd.DataFrame, settled: dict[str, tuple[dict[str, Any], str]]) -> list[str]:
    """The same text for runs that differ in nothing but the seed; each run that was steered or branched has its own."""
    columns = ("run_id", "published", "changes", "lineage", "data_fingerprint", "data")
    setups = []
    for run_id, published, changes, lineage, fingerprint, data in zip(*(table[name] for name in columns), strict=True):
        config = settled.get(run_id, ({}, ""))[1]
        own = published or not config or changes or "step" in lineage or "twin" in lineage
        setups.append(run_id if own else f"{config} {fingerprint or data}")
    return setups


def _mark_tried(table: pd.DataFrame, settled: dict[str, tuple[dict[str, Any], str]]) -> None:
    """Set the columns `seed`, `tried_before` and `origin`."""
    seeds = [settled.get(run_id, ({}, ""))[0].get(SEED) for run_id in table.index]
    table["seed"] = pd.Series(seeds, table.index, dtype="float").astype("Int64")
    older = table[["setup", "seed", "created"]].sort_values("created", kind="stable")
    table["tried_before"] = older.duplicated(["setup", "seed"]).reindex(table.index)
    table["origin"] = [
        badges(lineage, changes > 0) + (["tried before"] if tried and not lineage else [])
        for lineage, changes, tried in zip(table["lineage"], table["changes"], table["tried_before"], strict=True)
    ]
