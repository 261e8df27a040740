"""A sweep on a Ray cluster of several nodes on loopback: a node that dies, and a head that dies."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from gainakt.jobs.sweep import runner
from gainakt.jobs.sweep.engines import Local, Ray
from gainakt.jobs.sweep.folder import SweepFolder
from gainakt.jobs.sweep.runner import Sweep
from gainakt.store import RunFolder
from tests.conftest import ROOT, free_port
from tests.test_sweep import PLAN, _done, rows_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.filterwarnings("ignore")]
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # else Ray would look for loopback at the outward address
ray = pytest.importorskip("ray")
PATIENCE = 200.0


class SlowClock:
    """The clock by which Ray gives a node 30 s to start: a loaded machine takes longer."""

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    def monotonic(self) -> float:
        return time.monotonic() / 10


def _started(made: Any, **more: Any) -> Any:
    """A node of one core on loopback; with ports given it does not wait for its agents to say theirs."""
    agents = ("metrics_agent_port", "runtime_env_agent_port", "dashboard_agent_listen_port", "metrics_export_port")
    node = {"num_cpus": 1, "node_ip_address": "127.0.0.1", "object_store_memory": 80 * 1024 * 1024}
    return made.add_node(**node, **{name: free_port() for name in agents}, **more)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A head and two workers, each a node of one core."""
    from ray.cluster_utils import Cluster

    monkeypatch.setattr("ray._private.node.time", SlowClock())
    monkeypatch.setenv("RAY_agent_register_timeout_ms", "300000")
    monkeypatch.setenv("RAY_worker_register_timeout_seconds", "300")
    made = Cluster()
    _started(made, include_dashboard=False)
    made.workers = [_started(made) for _ in range(2)]
    made.wait_for_nodes(timeout=PATIENCE)
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.fixture
def folder(tmp_path: Path) -> SweepFolder:
    made = SweepFolder(tmp_path / "x.duckdb", "clustered")
    made.save(PLAN.replace("max_epochs = 1", "max_epochs = 12").replace("[0.1, 10]", "[0.1, 1, 10, 100]"))
    return made


def _trains(node: Any, folder: SweepFolder) -> bool:
    """Whether a process of this node is in the middle of a training."""
    raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
    mine = {process.pid for process in raylet.children(recursive=True)}
    for run in folder.runs.iterdir():
        rows = RunFolder(folder.runs, run.name).rows(0)[0]
        if rows[-1]["kind"] == "step" and next(row["pid"] for row in reversed(rows) if "pid" in row) in mine:
            return True
    return False


def test_a_node_that_dies_has_its_trial_resumed_elsewhere(cluster: Any, folder: SweepFolder) -> None:
    engine = Ray(cluster.address)
    assert engine.slots == 3
    sweep = Sweep(folder, engine, lambda done, says: None)
    killed: list[float] = []

    def kill_one(_done_share: float, _says: str) -> None:
        if not killed and len(_done(folder)) >= 2 and _trains(cluster.workers[0], folder):
            killed.append(time.monotonic())
            cluster.remove_node(cluster.workers[0], allow_graceful=False)

    sweep.progress = kill_one
    sweep.carry_out()
    rows = rows_of(folder)
    assert killed and rows["status"].tolist() == ["finished"] * 8
    runs = [RunFolder(folder.runs, run_id).rows(0)[0] for run_id in sorted(rows["run_id"])]
    begun_again = sum(any(row["kind"] == "resuming" for row in run) for run in runs)
    print(
        f"8 trials on 3 nodes, 1 node killed; resumed: {begun_again}; run folders: {len(list(folder.runs.iterdir()))}"
    )
    assert begun_again >= 1 and len(list(folder.runs.iterdir())) == 8


def test_a_head_that_dies_leaves_a_sweep_that_can_go_on(cluster: Any, folder: SweepFolder) -> None:
    command = [sys.executable, "-m", "gainakt", "sweep", "clustered", f"--store={folder.store}", "--engine=ray"]
    first = subprocess.Popen([*command, f"--address={cluster.address}"], cwd=ROOT, start_new_session=True)
    until = time.monotonic() + PATIENCE
    while len(_done(folder)) < 2 and time.monotonic() < until:
        time.sleep(0.1)
    done = len(_done(folder))
    cluster.head_node.kill_all_processes(check_alive=False, allow_graceful=False, wait=True)
    try:
        code = first.wait(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(first.pid, signal.SIGKILL)
        raise
    assert done >= 2 and code != 0 and folder.owner() is None
    sweep = Sweep(folder, Local(1), lambda done, says: None)
    sweep.carry_out()
    print(f"head killed after {done} trials; {sweep.again} of 8 were not repeated, tries: {runner.TRIES}")
    assert sweep.again >= done and rows_of(folder)["status"].tolist() == ["finished"] * 8


def test_a_cluster_of_this_machine_alone_listens_on_loopback() -> None:
    engine = Ray(processes=1)
    try:
        mine = [psutil.Process(), *psutil.Process().children(recursive=True)]
        ports = [one.laddr for process in mine for one in process.net_connections("inet") if one.status == "LISTEN"]
        print(sorted({address.ip for address in ports}), len(ports))
        assert ports and {address.ip for address in ports} <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
    finally:
        engine.close()
