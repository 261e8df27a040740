"""Views of the list of runs, saved by name in `views.json` beside the run folders: a rebuilt store still has them."""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gainakt.errors import InputError, check_may_write

_FILE = "views.json"
LONGEST_NAME = 60


def saved(root: Path) -> dict[str, dict[str, Any]]:
    """Name -> what the view shows, sorted by name; a file that cannot be read counts as none."""
    try:
        views = dict(json.loads((root / _FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError):
        return {}
    return {str(name): view for name, view in sorted(views.items(), key=str) if isinstance(view, dict)}


def save(root: Path, name: str, view: Mapping[str, Any]) -> None:
    """Save a view under a name of 1 to 60 characters, in place of one of that name."""
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME:
        raise InputError(f"a view's name has 1 to {LONGEST_NAME} characters; got {len(name)}")
    _write(root, {**saved(root), name: dict(view)})


def remove(root: Path, name: str) -> None:
    """Forget a view, if it is there."""
    _write(root, {other: view for other, view in saved(root).items() if other != name})


def _write(root: Path, views: Mapping[str, Any]) -> None:
    check_may_write()
    temporary = root / f".{_FILE}.{secrets.token_hex(4)}"
    try:
        temporary.write_text(json.dumps(views, ensure_ascii=False, indent=1), encoding="utf-8")
        os.replace(temporary, root / _FILE)
    finally:
        temporary.unlink(missing_ok=True)
