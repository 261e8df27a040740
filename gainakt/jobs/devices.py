"""What this machine can train on, asked without torch: its cores, and its NVIDIA cards as `nvidia-smi` tells them."""

import os
import platform
import subprocess
from dataclasses import dataclass

import psutil

_GIB = 2**30
_ASKED = ("index", "name", "memory.used", "memory.total", "utilization.gpu")


@dataclass(frozen=True)
class Device:
    """What `training.device` is set to, and what stands behind it now."""

    setting: str
    label: str


def devices() -> list[Device]:
    """The devices of this machine: the cards first, then the CPU."""
    cards = [_card(line) for line in _smi()]
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        cards.append(Device("mps", "Apple GPU"))
    return [*cards, cpu()]


def cpu() -> Device:
    """The CPU: the threads that a training takes, the cores, their load, free memory."""
    cores, memory = os.cpu_count() or 1, psutil.virtual_memory()
    threads = os.environ.get("OMP_NUM_THREADS") or str(psutil.cpu_count(logical=False) or cores)
    free = f"{memory.available / _GIB:.1f} of {memory.total / _GIB:.1f} GiB free"
    plural = "" if threads == "1" else "s"
    return Device("cpu", f"CPU: {threads} thread{plural} on {cores} cores, load {os.getloadavg()[0]:.1f}, {free}")


def _smi() -> list[str]:
    """A line for each card; none where there is no driver, or it does not answer."""
    command = ["nvidia-smi", f"--query-gpu={','.join(_ASKED)}", "--format=csv,noheader,nounits"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        return []


def _card(line: str) -> Device:
    """`0, NVIDIA H100, 512, 81559, 3`: memory in MiB, load in percent; what a card does not tell is no number."""
    index, name, used, total, load = (part.strip() for part in line.split(","))
    told = [f"GPU {index}: {name}"]
    if used.isdecimal() and total.isdecimal():
        told.append(f"{int(used) / 1024:.1f} of {int(total) / 1024:.1f} GiB in use")
    if load.isdecimal():
        told.append(f"load {load} %")
    return Device(f"cuda:{index}", ", ".join(told))
