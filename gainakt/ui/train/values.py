"""Where a run's live settings stand: what acts, and what was requested and does not act yet.

The run's control file holds all requests in one order, whoever wrote them. A control shows the last request in it, or
the value in effect where there is none or it was refused: all tabs show the same, whenever they look.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gainakt.config import Config, changed, difference, fields, flatten
from gainakt.errors import InputError
from gainakt.store import Run, RunFolder, Store
from gainakt.ui.run.recorded import Curves, curves_of, values_of


@dataclass(frozen=True)
class LiveValues:
    """A run's configuration in effect, and by dotted name the requested values that do not act yet."""

    config: Config
    waiting: dict[str, Any] = field(default_factory=dict)

    def shown(self) -> dict[str, Any]:
        """Dotted name -> the value at which the setting's control stands, of all settings."""
        return flatten(self.config) | self.waiting


def live(store: Store, root: Path, run: Run) -> LiveValues:
    """The run's values now: what it began with, what was changed since, and what was requested in its folder."""
    curves = curves_of(store, run.run_id)
    requests = curves.asked(RunFolder(root, run.run_id))
    return curves.once("live values", (curves.taken, len(requests)), lambda: _worked_out(run, curves, requests))


def _worked_out(run: Run, curves: Curves, requests: Sequence[Mapping[str, Any]]) -> LiveValues:
    refused = curves.events.loc[curves.events["kind"] == "refused", "text"]
    in_effect = changed(Config.model_validate(run.config), values_of(curves.events))
    return live_values(in_effect, requests, [json.loads(text) for text in refused])


def live_values(
    config: Config, requests: Iterable[Mapping[str, Any]], refusals: Iterable[Mapping[str, Any]]
) -> LiveValues:
    """What waits, from the rows of a control file and the `refused` rows of the journal, each oldest first.

    `config` is in effect. A run reads requests in order, so each setting ends at its last one, unless that is refused.
    """
    last: dict[str, Any] = {}
    for row in requests:
        name = row.get("field")
        if row.get("kind") == "set" and isinstance(name, str) and "value" in row:
            last.pop(name, None)
            last[name] = row["value"]
    refused = [(row.get("field"), row.get("value")) for row in refusals]
    requested = config
    for name, value in last.items():
        if (name, value) not in refused:
            requested = _with(requested, name, value)
    return LiveValues(config, {name: new for name, (_, new) in difference(config, requested).items()})


def _with(config: Config, name: str, value: Any) -> Config:
    """The configuration after the request, or unchanged where a run would refuse it."""
    try:
        after = changed(config, {name: value})
    except InputError:
        return config
    specs = fields()
    return after if all(specs[changing].live for changing in difference(config, after)) else config
