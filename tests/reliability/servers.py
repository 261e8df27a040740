"""Kill dashboards (`streamlit run app.py`) with signal 9 while they train a run that a tab resumed, and take in.

Beside them other processes import, export, delete and back up, and are killed at the same moment. Every row that was
written is there, no run stays running, and the resumed run ends with the bits of one that was never killed.
"""

import asyncio
import random
import shutil
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect

from gainakt.config import changed
from gainakt.jobs import lineage
from gainakt.store import RunFolder, Store, runs_root, trash
from gainakt.store.backup import backup
from gainakt.store.bundle import export_runs, import_runs
from gainakt.store.store import open_for_reading
from tests.reliability.common import ended, in_child, kill, main, tiny, trained, training
from tests.reliability.kills import checked, compared
from tests.reliability.load import started

EPOCHS = 60
PATIENCE = 300.0


def harness(folder: Path, tries: int, seed: int, counted: Counter[str]) -> None:
    """`tries` servers."""
    draw = random.Random(seed)
    config = changed(tiny(folder), {"training.max_epochs": EPOCHS})
    whole = trained(folder / "whole.runs", config)
    others = [trained(folder / "others.runs", tiny(folder)) for _ in range(3)]
    with Store.open(folder / "others.duckdb") as store:
        store.take_in()
        export_runs(folder / "others.runs", [store.run(one.run_id) for one in others], folder / "others.zip")
    for number in range(tries):
        place = folder / f"try{number}"
        root = runs_root(place / "s.duckdb")
        shutil.copytree(whole.folder, root / whole.run_id)
        shutil.copytree(others[0].folder, root / others[0].run_id)
        run = RunFolder.create(root, name="run", preset="corrected", config=config.model_dump())
        pid = training(root, config, run)
        while not list(run.folder.glob("states/*.json")):
            time.sleep(0.02)
        kill(pid)
        _killed(place / "s.duckdb", run, [whole.run_id, others[0].run_id], folder / "others.zip", draw, counted)
        shutil.rmtree(place)


def _killed(path: Path, run: RunFolder, ids: list[str], file: Path, draw: random.Random, counted: Counter[str]) -> None:
    """One server that resumes `run`, is killed, and what was there afterwards."""
    root = runs_root(path)
    url, server = started(path, path.with_suffix(".log"))
    before = run.journal.stat().st_size
    asyncio.run(_resume(url, run.run_id))
    until = time.monotonic() + PATIENCE
    while run.journal.stat().st_size == before and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(draw.uniform(0, 2))
    work = {
        "import": lambda: import_runs(root, file),
        "export": lambda: _with(path, lambda runs: export_runs(root, runs, path.with_suffix(".zip")), ids[:1]),
        "delete": lambda: _with(path, lambda runs: trash.discard(root, runs[0], "harness"), ids[1:]),
        "backup": lambda: backup(path, path.with_name("b.zip")),
    }
    beside = draw.sample(sorted(work), 2)
    pids = [in_child(work[one]) for one in beside]
    time.sleep(draw.uniform(0, 2))
    server.send_signal(signal.SIGKILL)
    server.wait()
    for pid in pids:
        kill(pid)
    counted["kills of a server"] += 1
    counted[f"beside it: {' and '.join(beside)}"] += 1
    status = checked(path, root, run, counted)
    counted[f"the run that it trained was {status}"] += 1
    if status == "interrupted":
        with Store.open(path) as store:
            again, config, begin = lineage.resume(root, store.run(run.run_id), "harness")
        if ended(training(root, config, again, begin)):
            counted["LOST: a run could not be resumed"] += 1
    compared(path, root, ids[0], run, counted)


def _with(path: Path, work: Any, ids: list[str]) -> None:
    with open_for_reading(path) as store:
        work([store.run(one) for one in ids])


async def _resume(url: str, run_id: str) -> None:
    """Open the run's page in a tab without a browser and press Resume."""
    address = f"{url.replace('http', 'ws')}/_stcore/stream"
    async with connect(address, subprotocols=["streamlit"], max_size=None, open_timeout=PATIENCE) as socket:  # type: ignore[list-item]
        button = ""
        for pressed in (False, True):
            asked = BackMsg()
            asked.rerun_script.query_string, asked.rerun_script.page_name = f"run={run_id}", "Train"
            if pressed:
                state = asked.rerun_script.widget_states.widgets.add()
                state.id, state.trigger_value = button, True
            await socket.send(asked.SerializeToString())
            told = ForwardMsg()
            while told.WhichOneof("type") != "script_finished":
                told = ForwardMsg.FromString(await asyncio.wait_for(socket.recv(), PATIENCE))
                if told.WhichOneof("type") == "delta" and told.delta.new_element.button.label == "Resume":
                    button = told.delta.new_element.button.id


if __name__ == "__main__":
    main(harness, 20, __doc__)
