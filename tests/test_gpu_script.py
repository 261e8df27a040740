"""tests/benchmarks/gpu.sh works where there is no card, so that time on one is not spent on its mistakes."""

import json
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from tests.benchmarks.gpu import limited
from tests.benchmarks.gpu_steps import Skipped, in_child, peak

ROOT = Path(__file__).resolve().parents[1]


def test_every_step_runs_on_the_cpu_at_tiny_sizes(tmp_path: Path) -> None:
    command = ["bash", "tests/benchmarks/gpu.sh", "--device", "cpu", "--tiny"]
    environment = {**os.environ, "OUT": str(tmp_path), "PYTHON": sys.executable}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=170)
    assert done.returncode == 0, done.stdout + done.stderr
    steps = json.loads((tmp_path / "gpu.json").read_text())["steps"]
    assert {step["status"] for step in steps.values()} <= {"PASS", "SKIP"}, steps
    assert len(steps) == 8
    assert steps["speed, width 16"]["interactions_per_second"] > 0


def fails() -> dict[str, object]:
    raise ValueError("no")


def does_not_apply() -> dict[str, object]:
    raise Skipped("not here")


@pytest.mark.parametrize(
    ("step", "seconds", "status", "figure"),
    [
        (lambda: {"rate": 1}, 30, "PASS", 1),
        (fails, 30, "FAIL", None),
        (does_not_apply, 30, "SKIP", None),
        (lambda: time.sleep(60), 0.2, "FAIL", None),
        (lambda: os._exit(3), 30, "FAIL", None),
    ],
    ids=["passes", "fails", "is skipped", "hangs", "dies"],
)
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_step_always_has_an_outcome(step, seconds, status, figure) -> None:
    outcome = limited(in_child, step, seconds)
    assert outcome["status"] == status
    assert outcome.get("rate") == figure


def test_a_step_can_run_in_a_fresh_process() -> None:
    assert limited(in_child, partial(dict, rate=1), 120, "spawn")["rate"] == 1


@pytest.mark.parametrize(
    ("card", "rate"),
    [("NVIDIA H100 80GB HBM3", 989.0), ("NVIDIA H100 PCIe", 756.0), ("NVIDIA L40S", 362.0), ("Tesla T4", None)],
)
def test_known_cards(card: str, rate: float | None) -> None:
    assert peak(card) == rate
