"""Fill a small file system at random moments of each writing place: sentences, no run lost, all well with room again.

Needs the right to mount a tmpfs (root on Linux).
"""

import random
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gainakt.errors import InputError, disk_full
from gainakt.jobs import lineage
from gainakt.store import Store, damage, runs_root
from gainakt.store.backup import backup, restore
from tests.journals import content
from tests.reliability.common import main, tiny, trained


@contextmanager
def small_disk(place: Path, kilobytes: int) -> Iterator[Callable[[str], None]]:
    """A file system of so many kilobytes; call it with mount options to change it."""
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(place)], check=True)
    try:
        yield lambda options: subprocess.run(["mount", "-o", f"remount,{options}", str(place)], check=True) and None
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def harness(folder: Path, tries: int, seed: int, counted: Counter[str]) -> None:
    """`tries` disks that get full, or read-only, in turn while a run trains, is taken in, rebuilt, backed up."""
    draw = random.Random(seed)
    config = tiny(folder)
    whole = trained(folder / "whole.runs", config)
    for place in range(tries):
        (_training, _taking_in, _rebuilding, _backing_up, _read_only)[place % 5](folder, config, whole, draw, counted)


def _told(what: str, counted: Counter[str], work: Callable[[], object]) -> bool:
    """Whether it went well; else it has to end in a sentence."""
    try:
        work()
    except InputError as error:
        said = "full" in str(error) or "cannot be" in str(error) or "Read-only" in str(error)
        counted[f"{what}: told" if said else f"LOST: {what}: {str(error)[:90]}"] += 1
        return False
    except OSError as error:
        counted[f"{what}: told" if disk_full(error) else f"LOST: {what}: {error!r}"] += 1
        return False
    except Exception as error:
        counted[f"LOST: {what}: no sentence but {type(error).__name__}: {str(error)[:80]}"] += 1
        return False
    counted[f"{what}: had room"] += 1
    return True


def _training(folder, config, whole, draw, counted):  # type: ignore[no-untyped-def]
    with small_disk(folder / "disk", draw.randrange(40, 1500)) as disk:
        path = folder / "disk" / "s.duckdb"
        root = runs_root(path)
        _told("training", counted, lambda: trained(root, config))
        disk("size=64m")
        runs = [place for place in root.iterdir()] if root.exists() else []
        if not runs:
            return
        with Store.open(path) as store:
            store.take_in()
            run = store.run(runs[0].name)
        if run.status == "finished":
            return
        if run.status == "failed" or not run.config:
            counted[
                "training: the run has failed, with the reason" if run.error else "training: failed at its start"
            ] += 1
        if run.config and run.status != "queued" and run.status != "running":
            prepared = lineage.resume(root, run, "harness")
            trained(root, prepared[1], prepared[0], prepared[2])
            with Store.open(path) as store, Store.open(":memory:", runs=whole.folder.parent) as other:
                store.take_in(), other.take_in()
                done, first = store.run(run.run_id), other.run(whole.run_id)
            (root / whole.run_id).symlink_to(whole.folder)
            same = done.status == "finished" and not lineage.differences(root, first, done)
            counted["training: resumed to the same bits" if same else "LOST: training: resumed to others"] += 1
        elif run.config:
            counted["training: its end is written by the dashboard once there is room"] += 1


def _filled(folder, whole, kilobytes):  # type: ignore[no-untyped-def]
    path = folder / "disk" / "s.duckdb"
    (folder / "disk" / "s.runs").symlink_to(whole.folder.parent)
    return path, small_disk, kilobytes


def _taking_in(folder, config, whole, draw, counted):  # type: ignore[no-untyped-def]
    with small_disk(folder / "disk", draw.randrange(8, 2500)) as disk:
        path = _filled(folder, whole, 0)[0]

        def work() -> None:
            with Store.open(path) as store:
                store.take_in()
                content(store)

        _told("intake", counted, work)
        disk("size=64m")
        _equal("intake", path, whole, counted)


def _rebuilding(folder, config, whole, draw, counted):  # type: ignore[no-untyped-def]
    with small_disk(folder / "disk", 8000) as disk:
        path = _filled(folder, whole, 0)[0]
        with Store.open(path) as store:
            store.take_in()
        used = path.stat().st_size // 1024
        disk(f"size={used + draw.randrange(0, used)}k")
        _told("rebuilding", counted, lambda: damage.rebuild(path, runs_root(path)))
        disk("size=64m")
        _equal("rebuilding", path, whole, counted)


def _backing_up(folder, config, whole, draw, counted):  # type: ignore[no-untyped-def]
    with small_disk(folder / "disk", draw.randrange(100, 4000)) as disk:
        file, path = folder / "disk" / "b.zip", folder / "whole.duckdb"
        if _told("backup", counted, lambda: backup(path, file)):
            target = folder / "disk" / "t.duckdb"
            if not _told("restore", counted, lambda: restore(file, target)):
                disk("size=64m")
                restore(file, target) if not target.exists() and not runs_root(target).exists() else None
            disk("size=64m")
            _equal("restore", target, whole, counted)
        elif list((folder / "disk").iterdir()):
            counted["LOST: backup: something is left of it"] += 1


def _read_only(folder, config, whole, draw, counted):  # type: ignore[no-untyped-def]
    with small_disk(folder / "disk", 8000) as disk:
        path = folder / "disk" / "s.duckdb"
        disk("ro")
        _told("read-only: opening", counted, lambda: Store.open(path))
        _told("read-only: training", counted, lambda: trained(runs_root(path), config))


def _equal(what: str, path: Path, whole, counted: Counter[str]) -> None:  # type: ignore[no-untyped-def]
    with Store.open(path) as store, Store.open(":memory:", runs=whole.folder.parent) as other:
        store.take_in(), other.take_in()
        same = content(store) == content(other)
    counted[f"{what}: all there with room again" if same else f"LOST: {what}: differs with room again"] += 1


if __name__ == "__main__":
    main(harness, 100, __doc__)
