"""The harnesses of tests/reliability with a few tries each: nothing may be lost."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FEW = {"kills": 2, "spoil": 8, "odd": 6, "full_disk": 5}


@pytest.mark.parametrize("harness", FEW)
def test_nothing_is_lost(harness):
    if harness == "full_disk" and (sys.platform != "linux" or os.geteuid() != 0):
        pytest.skip("mounting a small file system needs root on Linux")
    command = [sys.executable, "-m", f"tests.reliability.{harness}", "--tries", str(FEW[harness]), "--seed", "7"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
