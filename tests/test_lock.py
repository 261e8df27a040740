"""requirements.lock is that of requirements.txt, and everything in it has a hash."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_PIN = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)", re.MULTILINE)


def test_the_lock_holds_what_is_asked_for_with_hashes():
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = dict(_PIN.findall(lock))
    asked = dict(_PIN.findall((ROOT / "requirements.txt").read_text(encoding="utf-8")))
    assert {name: locked.get(name) for name in asked} == asked
    parts = re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)[1:]
    assert len(parts) == len(_PIN.findall(lock)) and all("--hash=sha256:" in part for part in parts)
    assert "://" not in lock, "a lock names no index"
