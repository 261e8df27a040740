"""From one journal row to rows of the store's tables: pure functions, nothing is read or written here."""

from collections.abc import Callable, Mapping
from typing import Any

from gainakt.store.changes import Changes
from gainakt.store.values import as_json, as_object, is_whole, moment_of, number, text, whole

ACTIVE = ("queued", "running")
ENDED = ("finished", "stopped", "paused", "failed", "interrupted")
"""Statuses of runs that no process works on; a paused one waits to be resumed."""

SIGNS_OF_LIFE = frozenset(
    {
        "queued",
        "started",
        "step",
        "gains",
        "evaluated",
        "changed",
        "checkpointed",
        "state",
        "resuming",
        "resumed",
    }
)
"""Kinds that only the training process writes; others (a new name) may be added to a run long ended."""

_SKILL_NUMBERS = ("effective_rate", "mean_gain", "m_sat", "beta", "threshold", "offset")


def changes(row: Mapping[str, Any]) -> Changes | None:
    """What one journal row does to the store, without the run's id; None when its content is not as it should be."""
    out = Changes()
    handler = _HANDLERS.get(row["kind"], _unknown)
    try:
        moment = moment_of(row.get("time"))
        handler(row, moment, out)
        if row["kind"] in SIGNS_OF_LIFE and moment is not None:
            out.columns["heartbeat"] = moment
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError):
        return None
    return out


def event(kind: str, moment: float | None, **parts: Any) -> tuple[Any, ...]:
    """A row of `events` without run id and sequence number: time, step, epoch, kind, field, old, new, who, text."""
    return (
        moment,
        parts.get("step"),
        parts.get("epoch"),
        text(kind),
        parts.get("field"),
        parts.get("old"),
        parts.get("new"),
        parts.get("who"),
        parts.get("text"),
    )


def _at(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"step": whole(row.get("step")), "epoch": whole(row.get("epoch"))}


def _queued(row: Mapping[str, Any], moment: float | None, out: Changes) -> None:
    config = {section: part for section, part in row["config"].items() if isinstance(part, Mapping)}
    data = config.get("data", {})
    out.columns = {
        "name": text(row["name"]),
        "preset": text(row.get("preset")),
        "status": "queued",
        "created": moment,
        "config": as_json(config),
        "seed": whole(config.get("training", {}).get("seed")),
        "data_name": text(data.get("path") or data.get("simulate")),
        "versions": as_json({"gainakt": row.get("version")}),
        "pid": whole(row.get("pid")),
        "pid_started": number(row.get("pid_started")),
        "host": text(row.get("host")),
    }
    if row.get("lineage"):
        whole(row["lineage"].get("step"))  # whoever goes on from it takes it for one
        out.columns["lineage"] = as_object(row["lineage"])
    out.happen(event("queued", moment, text=text(row["name"])))


def _started(row: Mapping[str, Any], moment: float | None, out: Changes) -> None:
    data = row["data"]
    fingerprint = text(data.get("fingerprint"))
    name, source = text(data.get("name")), text(data.get("source") or data.get("path"))
    out.columns = {
        "status": "running",
        "started": moment,
        "ended": None,
        "device": text(row["device"]),
        "versions": as_object(row["versions"]),
        "data": as_json(data),
        "data_fingerprint": fingerprint,
        "skill_labels": as_json([str(label) for label in row["skills"]]),
        "steps_per_epoch": whole(row["steps_per_epoch"]),
        "max_epochs": whole(row["max_epochs"]),
        "parameters": whole(row["parameters"]),
    }
    if name or source:
        out.columns["data_name"] = name or source
    if fingerprint:
        out.dataset = (fingerprint, name, source, moment, as_json(data))
    out.happen(event("started", moment, text=text(row["device"])))


def _step(row: Mapping[str, Any], moment: float | None, out: Changes) -> None:
    step, epoch = whole(row["step"]), whole(row["epoch"])
    out.columns = {"step": step, "epoch": epoch}
    out.series = [(text(name), step, epoch, moment, number(value)) for name, value in row["values"].items()]


def _gains(row: Mapping[str, Any], moment: float | None, out: Changes) -> None:
    step, epoch, split = whole(row["step"]), whole(row["epoch"]), text(row["split"])
    out.histograms.append((split, step, epoch, None, _counts(row["counts"])))
    for skill, counts in row["skills"].items():
        out.histograms.append((split, step, epoch, int(skill), _counts(counts)))


def _counts(counts: Any) -> list[int | None]:
    return [whole(count) for count in counts]


def _evaluated(row: Mapping[str, Any], moment: float | None, out: Changes) -> None:
    _step(row, moment, out)
    step, epoch = out.columns["step"], out.columns["epoch"]
    out.columns["epochs"] = epoch
    for name, part in (row.get("parameters") or {}).items():
        quantiles = [number(value) for value in part.get("quantiles") or []]
        out.parameters.append((text(name), step, epoch, number(part.get("mean")), number(part.get("std")), quantiles))


def _changed(row: Mapping[str, Any], moment: float | None, out: Changes) -> None:
    parts = {"field": text(row["field"]), "old": as_json(row["old"]), "new": as_json(row["new"])}
    out.happen(event("changed", moment, **_at(row), **parts, who=text(row.get("who"))))


def _checkpointed(row: Mapping[str, Any], moment: float | None, out: Changes) -> None:
    encoder = row["encoder"]
    if encoder in ("encoder1", "encoder2"):
        out.columns[f"best_{encoder}"] = whole(row["epoch"])
    detail = {name: value for name, value in row.items() if name in ("auc", "file", "sha256")}
    out.happen(event("checkpointed", moment, **_at(row), field=text(encoder), text=as_json(detail)))


def _finished(row: Mapping[str, Any], moment: float | None, out: Changes) -> None:
    if row["status"] not in ENDED:
        raise ValueError(f"a run cannot end as {row['status']!r}")
    out.columns = {
        "status": row["status"],
        "reason": text(row.get("reason")),
        "ended": moment,
        "heartbeat": moment,
        "step": whole(row["step"]),
        "epochs": whole(row["epochs"]),
        "seconds": number(row.get("seconds")),
        "interactions_per_second": number(row.get("train_interactions_per_second")),
    }
    for encoder, epoch in row["best_epoch"].items():
        if encoder in ("encoder1", "encoder2"):
            out.columns[f"best_{encoder}"] = whole(epoch)
    out.metrics = [
        (text(split), text(name), number(value))
        for split, values in row["results"].items()
        for name, value in values.items()
    ]
    out.skills = [_skill(position, skill) for position, skill in enumerate(row.get("skills") or [])]
    step = out.columns["step"]
    out.happen(event("finished", moment, step=step, field=row["status"], text=text(row.get("reason"))))


def _skill(position: int, skill: Mapping[str, Any]) -> tuple[Any, ...]:
    columns = {"skill", "interactions", *_SKILL_NUMBERS}
    extra = {name: value for name, value in skill.items() if name not in columns}
    numbers = [number(skill.get(name)) for name in _SKILL_NUMBERS]
    label = text(skill.get("skill", position))
    return (position, label, whole(skill.get("interactions")), *numbers, as_json(extra) if extra else None)


def _failed(row: Mapping[str, Any], moment: float | None, out: Changes) -> None:
    out.columns = {
        "status": "failed",
        "ended": moment,
        "heartbeat": moment,
        "error": text(row["error"]),
        "traceback": text(row.get("traceback")),
        "step": whole(row.get("step")),
    }
    out.happen(event("failed", moment, **_at(row), text=text(row["error"])))


def _paused(row: Mapping[str, Any], moment: float | None, out: Changes) -> None:
    out.columns = {"status": "paused", "ended": moment, "heartbeat": moment, "step": whole(row.get("step"))}
    out.happen(event("paused", moment, **_at(row), who=text(row.get("who"))))


def _resuming(row: Mapping[str, Any], moment: float | None, out: Changes) -> None:
    """A process takes a run up again; it waits for its turn."""
    out.columns = {
        "status": "queued",
        "ended": None,
        "reason": None,
        "error": None,
        "traceback": None,
        "pid": whole(row.get("pid")),
        "pid_started": number(row.get("pid_started")),
        "host": text(row.get("host")),
    }
    out.happen(event("resuming", moment, who=text(row.get("who"))))


def _resumed(row: Mapping[str, Any], moment: float | None, out: Changes) -> None:
    """It goes on from a kept state: what was recorded of later steps will be recorded again."""
    step, epoch = whole(row["step"]) or 0, whole(row["epoch"]) or 0
    out.columns, out.after = {"status": "running", "ended": None, "step": step, "epoch": epoch}, (step, epoch)
    out.happen(event("resumed", moment, **_at(row)))


def _state(row: Mapping[str, Any], moment: float | None, out: Changes) -> None:
    out.happen(event("state", moment, **_at(row), text=text(row["why"])))


def _renamed(row: Mapping[str, Any], moment: float | None, out: Changes) -> None:
    out.columns = {"name": text(row["name"])}
    out.happen(event("renamed", moment, new=as_json(row["name"]), who=text(row.get("who"))))


def _annotated(row: Mapping[str, Any], moment: float | None, out: Changes) -> None:
    """What people wrote on the run (`annotations.checked`); a part that is missing stays as it was."""
    written = {name: row[name] for name in ("name", "tags", "notes", "favourite", "archived") if name in row}
    for name, value in written.items():
        out.columns[name] = bool(value) if name in ("favourite", "archived") else text(value)
    if "tags" in written:
        out.columns["tags"] = as_json([text(tag) for tag in written["tags"]])
    out.happen(event("annotated", moment, text=as_json(written), who=text(row.get("who"))))


def _unknown(row: Mapping[str, Any], moment: float | None, out: Changes) -> None:
    """A kind from a newer version, kept as it is."""
    at = {name: row[name] for name in ("step", "epoch") if is_whole(row.get(name))}
    out.happen(event(row["kind"], moment, **at, text=as_json(dict(row))))


_HANDLERS: dict[str, Callable[[Mapping[str, Any], float | None, Changes], None]] = {
    "queued": _queued,
    "started": _started,
    "step": _step,
    "gains": _gains,
    "evaluated": _evaluated,
    "changed": _changed,
    "checkpointed": _checkpointed,
    "finished": _finished,
    "failed": _failed,
    "paused": _paused,
    "resuming": _resuming,
    "resumed": _resumed,
    "state": _state,
    "renamed": _renamed,
    "annotated": _annotated,
}
