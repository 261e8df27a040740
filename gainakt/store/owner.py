"""Who owns a run: the identity of a process, and whether it still lives."""

import os
import socket
import sys
from pathlib import Path

import psutil


def start_mark(pid: int) -> float | None:
    """When process `pid` started, as a number to compare for equality; None when it is gone or only a zombie.

    On Linux these are clock ticks since boot, which a change of the wall clock does not move; elsewhere unix seconds.
    """
    if sys.platform == "linux":
        return _linux_mark(pid)
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except (psutil.NoSuchProcess, ValueError):
        return None
    except psutil.AccessDenied:
        return 0.0


def _linux_mark(pid: int) -> float | None:
    try:
        stat = Path(f"/proc/{int(pid)}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, *numbers = stat[stat.rindex(b")") + 1 :].split()  # the name before it may hold anything
    return None if state in (b"Z", b"X") else float(numbers[18])


def this_process() -> dict[str, int | float | str | None]:
    """`pid`, `pid_started` and `host` of the calling process, as the journal's rows carry them."""
    pid = os.getpid()
    return {"pid": pid, "pid_started": start_mark(pid), "host": socket.gethostname()}


def is_alive(pid: int, pid_started: float | None) -> bool:
    """Whether the process that had `pid` since `pid_started` still runs; a reused PID is not it."""
    mark = start_mark(pid)
    return mark is not None and (pid_started is None or abs(mark - pid_started) < 1.0)
