"""A sweep as a process of its own, which outlives the page and the server that start it."""

import os
import subprocess
import sys
from pathlib import Path

from gainakt.errors import check_may_write
from gainakt.jobs.sweep.folder import SweepFolder


def launch(folder: SweepFolder, processes: int) -> "subprocess.Popen[bytes]":
    """Begin a sweep that has its plan, or go on with it; what it prints goes to its log."""
    check_may_write()
    package = str(Path(__file__).resolve().parents[3])
    path = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-m", "gainakt", "sweep", folder.name]
    with folder.log.open("wb") as log:
        return subprocess.Popen(
            [*command, f"--store={folder.store}", f"--processes={processes}"],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def trouble(folder: SweepFolder) -> str:
    """Why the process that was started last ended early, in its own words; empty where it did not say."""
    try:
        lines = folder.log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    last = next((line for line in reversed(lines) if line.strip()), "")
    return last.removeprefix("error: ") if last.startswith("error: ") or "Traceback" in "".join(lines) else ""
