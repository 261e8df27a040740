"""The command line, called without a process of its own."""

import contextlib
import io
import subprocess
import sys
from typing import Any

import pytest

from gainakt.cli.main import main


def gainakt(*words: Any) -> "subprocess.CompletedProcess[str]":
    """What one command printed and how it ended; in this process, as loading torch takes seconds in each new one."""
    output, errors, code = io.StringIO(), io.StringIO(), 0
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(errors),
    ):
        patch.delenv("GAINAKT_STORE", raising=False)
        patch.setattr(sys, "argv", ["gainakt", *map(str, words)])
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    return subprocess.CompletedProcess(words, code, output.getvalue(), errors.getvalue())
