"""What was read of a run: each look reads only what is new, the rest is kept and shared by all tabs of the server."""

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from gainakt.store import RunFolder, Store
from gainakt.store.listing import BURST
from gainakt.ui import words

POINTS = 1500
"""Points of a curve that are kept; at twice as many they are read anew, evenly thinned."""
MOMENTS = 300
"""Moments of the gain distribution over steps that are kept, in the same way."""
RUNS = 24
"""Runs of which something is kept, those looked at last."""
_NAMES = {
    "step": (*words.LOSSES, *words.GAINS, *words.PRESSURE, "interactions_per_second"),
    "epoch": tuple(words.AUCS),
}
_Read = TypeVar("_Read")
_Given = ParamSpec("_Given")
_NO_SERIES = pd.DataFrame(columns=["run_id", "name", "step", "epoch", "time", "value"])


def _one_at_a_time(
    method: Callable[Concatenate["Curves", _Given], _Read],
) -> Callable[Concatenate["Curves", _Given], _Read]:
    """Of the tabs that ask for the same at the same time, the first reads and the others find it read."""

    @wraps(method)
    def locked(self: "Curves", /, *args: _Given.args, **named: _Given.kwargs) -> _Read:
        with self.lock:
            return method(self, *args, **named)

    return locked


@dataclass
class Curves:
    """A run's series, events, distributions and parameters as far as they were read; any thread may ask.

    What it gives is shared, so it must not be changed.
    """

    run_id: str
    cursors: dict[str, int] = field(default_factory=dict)
    frames: dict[str, pd.DataFrame] = field(default_factory=dict)
    requests: list[dict[str, Any]] = field(default_factory=list)
    generation: int = -1
    """The store's at the last look."""
    taken: int = -1
    """Journal rows that the store had taken in at the last look."""
    looked: dict[str, int] = field(default_factory=dict)
    """By kind, the same at its own last reading."""
    all: pd.DataFrame = field(default_factory=lambda: _NO_SERIES)
    """The series of steps and epochs."""
    marks: pd.DataFrame = field(default_factory=lambda: _NO_SERIES)
    """What was changed while the run trained, as marks for the curves."""
    newest: dict[str, float] = field(default_factory=dict)
    """The newest value of each series that has one."""
    lock: Any = field(default_factory=threading.RLock)
    kept: dict[str, tuple[Hashable, Any]] = field(default_factory=dict)
    """By what it is, what was worked out last, and for which state of things."""

    @_one_at_a_time
    def refresh(self, store: Store) -> None:
        """Read the events and the series that came since the last time; each kind has its own cursor."""
        generation = store.generation
        if generation == self.generation and "events" in self.frames:
            return
        self.generation = generation
        taken = store.rows_taken(self.run_id)
        if taken == self.taken and "events" in self.frames:
            return
        self.taken = taken
        if self._read_events(store):
            self.marks = merged(self.events[self.events["kind"] == "changed"].assign(run_id=self.run_id))
        parts = [part for group, names in _NAMES.items() if len(part := self._read(store, group, names))]
        self.all = pd.concat(parts, ignore_index=True) if parts else _NO_SERIES

    def _as_before(self, key: str) -> bool:
        """Whether a kind was read since the store last took something in."""
        before = self.looked.get(key)
        self.looked[key] = self.taken
        return before == self.taken

    def _read(self, store: Store, group: str, names: Sequence[str]) -> pd.DataFrame:
        """The series of a group, up to date."""
        earlier = self.frames.get(group)
        new = store.series([self.run_id], names, self.cursors.get(group, -1), None if earlier is not None else POINTS)
        if new.empty:
            return _NO_SERIES if earlier is None else earlier
        valued = new.dropna(subset="value")
        self.newest.update(zip(valued["name"], valued["value"].astype(float), strict=True))
        whole = new if earlier is None else pd.concat([earlier, new], ignore_index=True)
        if len(whole) > 2 * POINTS and whole["name"].value_counts().max() > 2 * POINTS:
            whole = store.series([self.run_id], whole["name"].unique().tolist(), points=POINTS)
        return self._kept(group, whole)

    @_one_at_a_time
    def read_all(self, store: Store, prefix: str) -> pd.DataFrame:
        """All series whose names begin so."""
        key = f"prefix {prefix}"
        if self._as_before(key):
            return self.frames.get(key, _NO_SERIES)
        names = [name for name in store.names(self.run_id, self.cursors.get(key, -1)) if name.startswith(prefix)]
        return self._read(store, key, names) if names else self.frames.get(key, _NO_SERIES)

    @_one_at_a_time
    def gains(self, store: Store, split: str) -> pd.DataFrame:
        """The gain histograms of a split over steps: step, epoch, counts."""
        key = f"gains {split}"
        earlier = self.frames.get(key)
        if earlier is not None and self._as_before(key):
            return earlier
        new = store.histograms(self.run_id, split, self.cursors.get(key, -1), None if earlier is not None else MOMENTS)
        if new.empty and earlier is not None:
            return earlier
        whole = new if earlier is None else pd.concat([earlier, new], ignore_index=True)
        if len(whole) > 2 * MOMENTS:
            whole = store.histograms(self.run_id, split, points=MOMENTS)
        return self._kept(key, whole)

    @_one_at_a_time
    def skill_gains(self, store: Store, split: str) -> pd.DataFrame:
        """The newest gain histogram of each skill in a split: skill, label, step, epoch, counts."""
        key = f"skills {split}"
        earlier = self.frames.get(key)
        if earlier is not None and self._as_before(key):
            return earlier
        new = store.skill_histograms(self.run_id, split, self.cursors.get(key, -1))
        if new.empty and earlier is not None:
            return earlier
        whole = new if earlier is None else pd.concat([earlier, new]).drop_duplicates("skill", keep="last")
        return self._kept(key, whole.sort_values("skill", ignore_index=True))

    def at(self, key: str, step: int, read: Callable[[int], _Read]) -> _Read:
        """What `read` gives for a step that is past, read once while the user looks at it."""
        return self.once(f"past {key}", step, partial(read, step))

    @_one_at_a_time
    def once(self, key: str, state: Hashable, work_out: Callable[[], _Read]) -> _Read:
        """What `work_out` gives, kept as long as the state of things that it depends on stands."""
        if key not in self.kept or self.kept[key][0] != state:
            self.kept[key] = state, work_out()
        result: _Read = self.kept[key][1]
        return result

    @_one_at_a_time
    def percentiles(self, store: Store) -> pd.DataFrame:
        """The learned parameters over epochs."""
        earlier = self.frames.get("parameters")
        if earlier is not None and self._as_before("parameters"):
            return earlier
        new = store.parameters([self.run_id], self.cursors.get("parameters", -1))
        if new.empty and earlier is not None:
            return earlier
        return self._kept("parameters", new if earlier is None else pd.concat([earlier, new], ignore_index=True))

    @_one_at_a_time
    def asked(self, folder: RunFolder) -> list[dict[str, Any]]:
        """All requests in the run's control file since it was last taken up."""
        offset = self.cursors.get("control", 0)
        while True:
            rows, self.cursors["control"] = folder.requests(offset)
            self.requests += rows
            if self.cursors["control"] == offset:
                break
            offset = self.cursors["control"]
        taken_up = self.events.loc[self.events["kind"] == "resuming", "time"].max()
        return [row for row in self.requests if not float(row.get("time") or 0.0) < taken_up]

    @property
    def events(self) -> pd.DataFrame:
        """The run's events."""
        return self.frames["events"]

    def last(self, name: str) -> float | None:
        """The newest value of a series."""
        return self.newest.get(name)

    def _kept(self, key: str, whole: pd.DataFrame) -> pd.DataFrame:
        self.frames[key] = whole
        self.cursors[key] = int(whole["step"].max()) if len(whole) else -1
        return whole

    def _read_events(self, store: Store) -> bool:
        """Read the new events; whether there were any."""
        earlier = self.frames.get("events")
        new = store.events(self.run_id, self.cursors.get("events", -1))
        if earlier is not None and "resumed" in set(new["kind"]):  # later steps were taken back: read all anew
            self.frames = {"events": store.events(self.run_id)}  # at once, for those who read it meanwhile
            self.kept.clear()
            self.newest.clear()
            self.cursors = {"control": self.cursors.get("control", 0)}
            earlier, new = None, self.events
        if earlier is None or len(new):
            self.frames["events"] = new if earlier is None else pd.concat([earlier, new], ignore_index=True)
        if len(new):
            self.cursors["events"] = int(new["seq"].max())
        return bool(len(new)) or earlier is None


_by_store: WeakKeyDictionary[Store, OrderedDict[str, Curves]] = WeakKeyDictionary()
_guard = threading.Lock()


def curves_of(store: Store, run_id: str) -> Curves:
    """What was read of a run, up to date."""
    with _guard:
        by_run = _by_store.setdefault(store, OrderedDict())
        curves = by_run.setdefault(run_id, Curves(run_id))
        by_run.move_to_end(run_id)
        while len(by_run) > RUNS:
            by_run.popitem(last=False)
    curves.refresh(store)
    return curves


def merged(changed: pd.DataFrame) -> pd.DataFrame:
    """`changed` events as marks: changes of a setting by one person within seconds of each other are one mark.

    It stands where the setting came to rest, from the first old to the last new value. So do several at one step.
    """
    ordered = changed.sort_values("seq")
    if ordered.empty:
        return ordered
    by_field = ordered.groupby("field")
    apart = ~(by_field["time"].diff() <= BURST) | (ordered["who"] != by_field["who"].shift())
    elsewhere = ordered["step"].astype(float) != by_field["step"].shift().astype(float)
    begins = apart.astype(bool) & elsewhere
    bursts = ordered.groupby([ordered["field"], begins.groupby(ordered["field"]).cumsum()])
    marks = ordered.assign(old=bursts["old"].transform("first"))
    return marks.loc[bursts["seq"].idxmax()].sort_values("seq", ignore_index=True)


def steered(changes: int) -> str:
    """How a steered run is named: `steered, 3 changes`; empty for one that nobody touched."""
    return f"steered, {changes} change{'s' if changes > 1 else ''}" if changes else ""


def values_of(events: pd.DataFrame) -> dict[str, Any]:
    """Dotted name -> the value that the run's changes left it at."""
    changes = events[events["kind"] == "changed"]
    return {name: json.loads(new) for name, new in zip(changes["field"], changes["new"], strict=True)}


def stacked(counts: pd.Series) -> np.ndarray:
    """Histograms, one per row, as an array (rows, bins)."""
    return np.stack([np.asarray(row, dtype=np.int64) for row in counts]) if len(counts) else np.zeros((0, 1))
