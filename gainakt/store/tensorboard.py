"""Runs as event files that TensorBoard reads: a folder per run, its series as scalars, its settings as text."""

import json
from collections.abc import Sequence
from pathlib import Path

from gainakt.errors import InputError
from gainakt.store.entities import Run
from gainakt.store.reader import Reader


def export_events(store: Reader, runs: Sequence[Run], folder: Path) -> dict[str, int]:
    """Write `folder`/RUN/events... for each run; run -> scalars written.

    `validation.encoder1_auc` becomes `validation/encoder1_auc`; final measures stand at the run's last step under
    `final/`. Raises InputError where TensorBoard is not installed or a run's folder is there already.
    """
    try:
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
    except ImportError:
        raise InputError("event files are written by TensorBoard's package: pip install tensorboard==2.21.0") from None
    for run in runs:
        if (folder / run.run_id).exists():
            raise InputError(f"{folder / run.run_id} is there already; choose another folder")
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

    def scalar(tag: str, value: float) -> object:
        return Summary(value=[Summary.Value(tag=tag, simple_value=value)])

    series = store.series([run.run_id], store.names(run.run_id)).dropna(subset=["value"])
    for row in series.itertuples(index=False):
        add(float(row.time or 0.0), int(row.step), scalar(str(row.name).replace(".", "/", 1), float(row.value)))
    final = store.metrics([run.run_id]).dropna(subset=["value"])
    for row in final.itertuples(index=False):
        add(run.ended or 0.0, run.step or 0, scalar(f"final/{row.split}/{row.name}", float(row.value)))
    config = "\n".join(f"    {line}" for line in json.dumps(run.config, indent=1).splitlines())
    add(run.started or 0.0, 0, text_pb("configuration", f"{run.name}\n\n{config}"))
    return len(series) + len(final)
