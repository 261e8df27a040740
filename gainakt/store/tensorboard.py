"""Runs as event files that TensorBoard reads: a folder per run, its series as scalars, its settings as text."""

import json
from collections.abc import Sequence
from pathlib import Path

from gainakt.errors import InputError
from gainakt.store.entities import Run
from gainakt.store.points import points, refuse_what_is_there
from gainakt.store.reader import Reader


def export_events(store: Reader, runs: Sequence[Run], folder: Path) -> dict[str, int]:
    """Write `folder`/RUN/events... for each run; run -> scalars written.

    Raises InputError where TensorBoard is not installed or a run's folder is there already.
    """
    try:
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
    except ImportError:
        raise InputError("event files are written by TensorBoard's package: pip install tensorboard==2.21.0") from None
    refuse_what_is_there([folder / run.run_id for run in runs])
    written = {}
    for run in runs:
        writer = EventFileWriter(str(folder / run.run_id))
        try:
            written[run.run_id] = _write(writer, store, run)
        finally:
            writer.close()
    return written


def _write(writer: object, store: Reader, run: Run) -> int:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.text.summary_v2 import text_pb

    def add(moment: float, step: int, summary: object) -> None:
        writer.add_event(Event(wall_time=moment, step=step, summary=summary))  # type: ignore[attr-defined]

    found = points(store, run)
    for one in found:
        add(one.time, one.step, Summary(value=[Summary.Value(tag=one.name, simple_value=one.value)]))
    config = "\n".join(f"    {line}" for line in json.dumps(run.config, indent=1).splitlines())
    add(run.started or 0.0, 0, text_pb("configuration", f"{run.name}\n\n{config}"))
    return len(found)
