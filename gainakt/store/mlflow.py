"""Runs as an SQLite file that MLflow reads: settings as parameters, series and final measures as metrics."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gainakt.errors import InputError
from gainakt.store.entities import Run
from gainakt.store.points import points, refuse_what_is_there, settings
from gainakt.store.reader import Reader

ENDS = {"finished": "FINISHED", "failed": "FAILED", "running": "RUNNING", "queued": "SCHEDULED"}
"""MLflow's word for how a run ended; every other end is KILLED."""


def export_mlflow(store: Reader, runs: Sequence[Run], folder: Path) -> dict[str, int]:
    """Write `folder`/mlflow.db with the runs as one experiment, gainakt; run -> numbers written.

    Raises InputError where MLflow is not installed or the file is there already.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # it reports its use over the network otherwise
    try:
        import alembic  # noqa: F401 - mlflow-skinny comes without what it needs for SQLite
        import sqlalchemy  # noqa: F401
        from mlflow.tracking import MlflowClient
    except ImportError:
        packages = "mlflow-skinny==3.17.2 sqlalchemy==2.1.9 alembic==1.20.1"
        raise InputError(f"this file is written by MLflow's package: pip install {packages}") from None
    file = folder.absolute() / "mlflow.db"
    refuse_what_is_there([file])
    folder.mkdir(parents=True, exist_ok=True)
    logging.getLogger("mlflow").setLevel(logging.WARNING)  # it tells of the tables that it makes
    client = MlflowClient(f"sqlite:///{file}")
    experiment = client.create_experiment("gainakt", artifact_location=(file.parent / "artifacts").as_uri())
    return {run.run_id: _write(client, experiment, store, run) for run in runs}


def _write(client: Any, experiment: str, store: Reader, run: Run) -> int:
    from mlflow.entities import Metric, Param

    told = {"run_id": run.run_id, "preset": run.preset, "data": run.data_name, "fingerprint": run.data_fingerprint,
            "status": run.status, "tags": ", ".join(run.tags), "mlflow.note.content": run.notes}  # fmt: skip
    tags = {name: value for name, value in told.items() if value}
    began, ended = (None if moment is None else round(1000 * moment) for moment in (run.started, run.ended))
    there = client.create_run(experiment, start_time=began, tags=tags, run_name=run.name).info.run_id
    params = [Param(name, str(value)) for name, value in settings(run.config)]
    for first in range(0, len(params), 100):  # as many as MLflow takes at once
        client.log_batch(there, params=params[first : first + 100])
    found = [Metric(one.name, one.value, round(1000 * one.time), one.step) for one in points(store, run)]
    for first in range(0, len(found), 1000):
        client.log_batch(there, metrics=found[first : first + 1000])
    client.set_terminated(there, ENDS.get(run.status, "KILLED"), ended)
    return len(found)
