"""Whether a run that was trained again gives the same numbers, and if not, what was different around it."""

from pathlib import Path
from typing import Any

from gainakt.config import SCHEDULE
from gainakt.config.file import written
from gainakt.jobs.lineage import common_step, differences
from gainakt.store import Run, Store

_SHOWN = 20
NOTHING = "nothing recorded differs around them: a GPU's sums, or another processor under the same name, may"


def command(run: Run) -> str:
    """What trains a run again and compares."""
    return f"python -m gainakt reproduce {run.run_id}"


def settings_file(store: Store, run: Run) -> str:
    """The run's settings as `train --config` reads them, with what they do not say as comments."""
    events = store.events(run.run_id)
    changes = int(((events["kind"] == "changed") & (events["who"] != SCHEDULE)).sum())
    about = [
        f"Settings of run {run.run_id}, {run.name}",
        f"data: {run.data_name or 'unknown'}, fingerprint {run.data_fingerprint or 'unknown'}",
        "; ".join(f"{name} {value}" for name, value in {**run.versions, "device": run.device}.items()),
    ]
    if changes:
        about.append(f"It was steered {changes} times, which is not repeated by: python -m gainakt train --config FILE")
    if "parent" in run.lineage:
        about.append(f"It went on from run {run.lineage['parent']}, step {run.lineage.get('step')}; this starts afresh")
    about.append(f"The same bits, with all that happened to it: {command(run)}")
    return written(run.config, run.preset or "", about)


def compared(root: Path, run: Run, again: Run) -> dict[str, Any]:
    """Whether two runs' weights and numbers are the same to the last bit, in what they differ, and why that may be."""
    differing = differences(root, run, again)
    values: dict[str, Any] = {"run_id": again.run_id, "replay_of": run.run_id, "identical": not differing}
    last = common_step(root, run, again)
    if last is not None:  # one of them did not finish
        values["compared_until_step"] = last
    values["differences"] = differing[:_SHOWN]
    values["reasons"] = (surroundings(run, again) or [NOTHING]) if differing else []
    return values


def surroundings(run: Run, again: Run) -> list[str]:
    """What the numbers depend on beside the settings, where two runs differ in it: `threads: 2 and 1`."""
    first, second = (
        {"data fingerprint": one.data_fingerprint, "device": one.device, **one.versions} for one in (run, again)
    )
    return [
        f"{name}: {first.get(name) or 'not recorded'} and {second.get(name) or 'not recorded'}"
        for name in {**first, **second}
        if first.get(name) != second.get(name)
    ]
