"""The command line `gainakt VERB`; `python -m gainakt VERB` is the same.

Exit status: 0 finished or stopped, 1 failed, 2 bad input; the last line of stderr says why, and with --json so does
an object {"error": ...} on stdout.
"""

import contextlib
import sys
from pathlib import Path
from typing import Annotated, Any, TextIO, cast

import typer

from gainakt import __version__
from gainakt.cli.bench import bench
from gainakt.cli.benchmark import benchmark
from gainakt.cli.branches import branch, explain, pause, replay, reproduce, resume, stop, twin
from gainakt.cli.care import backup, doctor, restore_backup
from gainakt.cli.compare import compare
from gainakt.cli.data import data, simulate
from gainakt.cli.keep import export, import_
from gainakt.cli.label import delete, label, restore
from gainakt.cli.output import Harmless, error_object, fail
from gainakt.cli.runs import report, runs, skills
from gainakt.cli.study import study
from gainakt.cli.sweep import sweep
from gainakt.cli.train import evaluate, train
from gainakt.cli.verdict import verdict
from gainakt.errors import InputError, RunFailed, StoreBusy, disk_full, in_words
from gainakt.jobs import processes

VERBS = (
    data,
    simulate,
    train,
    stop,
    pause,
    resume,
    branch,
    replay,
    reproduce,
    twin,
    evaluate,
    runs,
    compare,
    label,
    delete,
    restore,
    skills,
    explain,
    verdict,
    report,
    export,
    import_,
    study,
    benchmark,
    sweep,
    bench,
    doctor,
    backup,
    restore_backup,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # a box would end a usage error, whose last line says why
    help=__doc__,
)
for verb in VERBS:
    app.command()(verb)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"gainakt {__version__}")
        raise typer.Exit


@app.callback(help=__doc__)
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Options before the verb."""


def main() -> None:
    """Run the command line; errors that a user can act on end in one sentence, others in Python's traceback."""
    with contextlib.redirect_stdout(_shown(sys.stdout)), contextlib.redirect_stderr(_shown(sys.stderr, bars=True)):
        _run()


def _shown(stream: TextIO, bars: bool = False) -> TextIO:
    return cast(TextIO, Harmless(stream, bars))


def _run() -> None:
    try:
        if processes.helps(sys.argv[1:]):
            processes.help_to_train()
            return
        name = "gainakt" if Path(sys.argv[0]).stem == "gainakt" else "python -m gainakt"
        status = app(prog_name=name, standalone_mode=False)
    except InputError as error:
        fail(str(error), 2)
    except (RunFailed, StoreBusy, OSError) as error:
        fail(in_words(error) if disk_full(error) else str(error), 1)
    except typer.TyperException as error:
        cast(Any, error).show()  # how the command is used, and what was wrong
        error_object(error.format_message())
        raise SystemExit(error.exit_code) from None
    raise SystemExit(status or 0)
