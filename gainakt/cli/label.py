"""The verbs that keep a collection of runs in order: `label`, `delete`, `restore`."""

from typing import Annotated, Any

import typer

from gainakt.cli.options import JsonFlag, StoreOption
from gainakt.cli.output import show
from gainakt.config import DEFAULT_STORE
from gainakt.errors import InputError
from gainakt.store import open_for_reading

RunsArgument = Annotated[list[str], typer.Argument(metavar="RUN...", help="Ids of runs, or their first characters.")]
_WHO = "command line"


def label(
    runs: RunsArgument,
    name: Annotated[str | None, typer.Option(help="Its new name; for one run.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A tag to add; may be repeated.")] = None,
    untag: Annotated[list[str] | None, typer.Option(help="A tag to take off; may be repeated.")] = None,
    notes: Annotated[str | None, typer.Option(help="Notes in Markdown, in place of the present ones.")] = None,
    favourite: Annotated[bool | None, typer.Option("--favourite/--no-favourite", help="Give or take a star.")] = None,
    archive: Annotated[bool | None, typer.Option("--archive/--no-archive", help="Put aside, or take back.")] = None,
    as_json: JsonFlag = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Rename, tag, note, star or archive runs."""
    given = {"name": name, "notes": notes, "favourite": favourite, "archived": archive}
    changes: dict[str, Any] = {part: value for part, value in given.items() if value is not None}
    if not (changes or tag or untag):
        raise InputError("nothing to write: give --name, --tag, --untag, --notes, --favourite or --archive")
    if name is not None and len(runs) > 1:
        raise InputError("--name is for one run; tag several with --tag")
    with open_for_reading(store) as opened:
        found = [opened.run(one) for one in runs]
        for run in found:
            if tag or untag:
                changes["tags"] = sorted({*run.tags, *(tag or ())} - set(untag or ()))
            opened.annotate(run.run_id, changes, _WHO)
    show({"runs": [run.run_id for run in found], **changes}, as_json)


def delete(runs: RunsArgument, as_json: JsonFlag = False, store: StoreOption = DEFAULT_STORE) -> None:
    """Move runs that have ended into the trash, from which they can be restored for 30 days."""
    with open_for_reading(store) as opened:
        found = [opened.run(one).run_id for one in runs]
        for run_id in found:
            opened.delete(run_id, _WHO)
    show({"deleted": found}, as_json)


def restore(runs: RunsArgument, as_json: JsonFlag = False, store: StoreOption = DEFAULT_STORE) -> None:
    """Put runs back from the trash, with all that was recorded; `runs --trash` lists what is in it."""
    with open_for_reading(store) as opened:
        restored = [opened.restore(one) for one in runs]
    show({"restored": restored}, as_json)
