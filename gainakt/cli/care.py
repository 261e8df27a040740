"""The verbs that look after a store: `doctor`, `backup`, `restore-backup`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gainakt.cli.options import JsonFlag, StoreOption, no_device
from gainakt.cli.output import leave, show, show_json
from gainakt.config import DEFAULT_STORE


def doctor(
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="First build the store anew from the journals; the old file is kept.")
    ] = False,
    as_json: JsonFlag = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Say whether the store and its runs are sound, and what to do; exit status 1 where something is not."""
    from gainakt.store import checkup, damage, runs_root

    rebuilt = None
    if rebuild:
        count, kept = damage.rebuild(store, runs_root(store))
        rebuilt = {"runs": count, "kept": None if kept is None else str(kept)}
    found = checkup.findings(store)
    from gainakt.training.setup import pick_device, versions

    about = {**versions(), "device": str(pick_device("auto"))}
    if as_json:
        show_json(rebuilt=rebuilt, versions=about, findings=[asdict(one) for one in found])
    else:
        if rebuilt is not None:
            aside = f"; the old file is {rebuilt['kept']}" if rebuilt["kept"] else ""
            print(f"rebuilt from the journals: {rebuilt['runs']} runs{aside}")
        print(", ".join(f"{name} {value}" for name, value in about.items()))
        for one in found:
            print(f"{one.state:5} {one.about:11} {one.says}" + (f"\n{'':17} -> {one.do}" if one.do else ""))
    if any(one.state == checkup.BAD for one in found):
        leave("something is not sound; see above", 1)


def backup(
    out: Annotated[Path, typer.Argument(help="The file to write, such as gainakt-backup.zip.")],
    as_json: JsonFlag = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Write the whole store and its runs to one file; trainings may go on."""
    from gainakt.store import backup as archive

    show({"file": str(out), **archive.backup(store, out)}, as_json)


def restore_backup(
    archive: Annotated[Path, typer.Argument(help="A file that `backup` wrote.", callback=no_device)],
    as_json: JsonFlag = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Build a store, where there is none, from a backup."""
    from gainakt.store import backup

    show({"store": str(store), **backup.restore(archive, store)}, as_json)


restore_backup.__name__ = "restore-backup"
