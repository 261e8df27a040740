"""Where trials train: processes of this machine, a Ray cluster, or Slurm jobs.

An engine takes work up to its number of slots. What it gives back says when the work is done, and raises where its
process died.
"""

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, Protocol

from gainakt.errors import InputError, RunFailed

ENGINES = ("local", "ray", "slurm")
_SLURM_JOBS = 16
_SLURM_MINUTES = 24 * 60


class Handle(Protocol):
    """Work that was given to an engine."""

    def done(self) -> bool:
        """Whether it ended, however."""

    def result(self) -> Any:
        """What it returned; raises what it raised, or that its process died."""


class Engine(Protocol):
    """Where work is done."""

    name: str

    @property
    def slots(self) -> int:
        """How many trials may train at the same time."""

    def submit(self, work: Callable[..., Any], *given: Any) -> Handle:
        """Begin the work in another process."""

    def close(self) -> None:
        """End what still works, and let the processes go."""


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Local:
    """Processes of this machine, each with its share of the cores; one that dies takes nothing else with it."""

    name = "local"

    def __init__(self, processes: int = 0) -> None:
        self.slots = processes or cores()
        self._threads = max(1, cores() // self.slots)
        self._idle: list[ProcessPoolExecutor] = []
        self._busy: list[ProcessPoolExecutor] = []
        self._started = 0

    def submit(self, work: Callable[..., Any], *given: Any) -> "Future[Any]":
        pool = self._idle.pop() if self._idle else self._new()
        try:
            future = pool.submit(work, *given)
        except BrokenProcessPool:  # its process died while it had nothing to do
            pool = self._new()
            future = pool.submit(work, *given)
        self._busy.append(pool)
        future.add_done_callback(lambda ended: self._back(pool, ended))
        return future

    def close(self) -> None:
        for pool in [*self._idle, *self._busy]:
            for process in list((pool._processes or {}).values()):
                process.terminate()
            pool.shutdown(wait=False, cancel_futures=True)

    def _new(self) -> ProcessPoolExecutor:
        self._started += 1
        context = multiprocessing.get_context("spawn")  # a fork would share torch's threads
        return ProcessPoolExecutor(1, context, _begin, (self._threads, self._started - 1))

    def _back(self, pool: ProcessPoolExecutor, ended: "Future[Any]") -> None:
        self._busy.remove(pool)
        if not ended.cancelled() and isinstance(ended.exception(), BrokenProcessPool):
            pool.shutdown(wait=False)
        else:
            self._idle.append(pool)


def _begin(threads: int, number: int) -> None:
    """Set up a worker before torch loads: its threads, its GPU if there are several, its end with its parent."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the sweep itself asks its trainings to pause
    parent = multiprocessing.parent_process()
    assert parent is not None

    def leave_with_parent() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=leave_with_parent, name="watch parent", daemon=True).start()
    devices = len(list(Path("/dev").glob("nvidia[0-9]*")))
    if devices > 1:
        os.environ.setdefault("CUDA_VISIBLE_DEVICES", str(number % devices))


class Ray:
    """A Ray cluster: the one at `address`, else one of this machine alone that listens on loopback only.

    Each trial gets a core, and a GPU where the cluster has any. The nodes need this program and the store's folder.
    """

    name = "ray"

    def __init__(self, address: str = "", processes: int = 0) -> None:
        if not address:  # else Ray puts the machine's outward address in the place of a loopback one
            os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
        try:
            import ray
        except ImportError:
            raise InputError("--engine ray needs Ray: pip install -e '.[ray]', or use --engine local") from None
        self._ray = ray
        where: dict[str, Any] = {"address": address} if address else {"_node_ip_address": "127.0.0.1"}
        if not address:
            where |= {"address": "local", "num_cpus": processes or cores()}
        try:
            ray.init(
                include_dashboard=None if address else False, log_to_driver=False, logging_level=logging.ERROR, **where
            )
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise InputError(f"--address {address or 'local'}: no Ray cluster answers there ({error})") from None
        self._most = processes

    @property
    def slots(self) -> int:
        try:
            there = self._ray.cluster_resources()
        except Exception as error:  # Ray has many for a head that is gone
            raise RunFailed(f"the Ray cluster does not answer; start the sweep again to go on ({error})") from None
        free = int(there.get("GPU") or there.get("CPU") or 0)
        return min(self._most, free) if self._most else free

    def submit(self, work: Callable[..., Any], *given: Any) -> Handle:
        gpus = 1 if self._ray.cluster_resources().get("GPU") else 0
        remote = self._ray.remote(num_cpus=1, num_gpus=gpus, max_retries=0)(work)
        future: Handle = remote.remote(*given).future()
        return future

    def close(self) -> None:
        self._ray.shutdown()


class Slurm:
    """A Slurm job for each trial, through submitit; partition and account come from SBATCH_PARTITION and the like."""

    name = "slurm"

    def __init__(self, folder: Path, processes: int = 0, cluster: str = "slurm") -> None:
        try:
            import submitit
        except ImportError:
            raise InputError("--engine slurm needs submitit: pip install -e '.[slurm]'") from None
        self.slots = processes or _SLURM_JOBS
        try:
            self._executor = submitit.AutoExecutor(folder=folder / "slurm", cluster=cluster)
        except RuntimeError as error:
            raise InputError(f"--engine slurm: {error}") from None
        self._executor.update_parameters(name="gainakt", timeout_min=_SLURM_MINUTES, cpus_per_task=1)
        self._jobs: list[Any] = []

    def submit(self, work: Callable[..., Any], *given: Any) -> Handle:
        job: Any = self._executor.submit(work, *given)
        self._jobs.append(job)
        return job  # type: ignore[no-any-return]

    def close(self) -> None:
        for job in self._jobs:
            if not job.done():
                job.cancel()


def engine_of(name: str, folder: Path, address: str, processes: int) -> Engine:
    """The named engine; raises InputError for others, or where what it needs is missing."""
    if name not in ENGINES:
        raise InputError(f"--engine {name!r}: choose {', '.join(ENGINES)}")
    if address and name != "ray":
        raise InputError("--address is of a Ray cluster; give --engine ray with it")
    if name == "ray":
        return Ray(address, processes)
    return Slurm(folder, processes) if name == "slurm" else Local(processes)
