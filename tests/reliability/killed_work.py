"""Work on whole runs, killed at a random moment: it is done, or can be done again, and no run is half there."""

import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import duckdb

from gainakt.jobs.sweep.folder import SweepFolder
from gainakt.jobs.sweep.runner import Sweep
from gainakt.store import RunFolder, Store, backup, damage, runs_root, schema
from gainakt.store.bundle import export_runs, import_runs
from gainakt.store.pykt import import_pykt
from tests.journals import content
from tests.reliability.common import TINY, ended, in_child, kill, tiny, trained
from tests.reliability.imports import pykt_folder

RUNS = 3
Work = tuple[Callable[[], object], Callable[[], str]]
"""What is killed, and what is asked afterwards: empty, or what was lost."""


class Here:
    """An engine of sweeps that trains in this very process."""

    name, slots = "here", 1

    def submit(self, work: Callable[..., Any], *given: Any) -> Future[Any]:
        """Do it now."""
        done: Future[Any] = Future()
        done.set_result(work(*given))
        return done

    def close(self) -> None:
        """Nothing to let go."""


class KilledWork:
    """A store with a few runs, from which each try takes a copy; `kinds` by name."""

    def __init__(self, folder: Path, draw: random.Random) -> None:
        self.folder, self.draw = folder, draw
        self.made = folder / "made" / "s.duckdb"
        self.made.parent.mkdir(parents=True)
        self.config = tiny(folder)
        root = runs_root(self.made)
        self.ids = [trained(root, self.config).run_id for _ in range(RUNS)]
        with Store.open(self.made) as store:
            store.take_in()
            self.whole = content(store)
            export_runs(root, [store.run(one) for one in self.ids], folder / "runs.zip")
        backup.backup(self.made, folder / "backup.zip")
        self.pykt = pykt_folder(folder / "pykt")
        self.lasting: dict[str, float] = {}
        self.swept: list[Any] = []
        self.kinds: dict[str, Callable[[Path], Work]] = {
            name.removeprefix("_of_"): getattr(self, name) for name in dir(self) if name.startswith("_of_")
        }

    def once(self, kind: str, counted: Counter[str]) -> None:
        """One kind of work, killed at a random moment of it."""
        place = self.folder / "try"
        for killed in [False, True] if kind not in self.lasting else [True]:
            shutil.copytree(self.made.parent, place)
            work, lost = self.kinds[kind](place / self.made.name)
            begun, pid = time.monotonic(), in_child(work)
            if killed:
                time.sleep(self.draw.uniform(0, 1.1 * self.lasting[kind]))
                status = kill(pid)
            else:
                status = ended(pid)
                self.lasting[kind] = time.monotonic() - begun
            problem = "it broke" if status > 0 else lost()
            told = f"LOST: {kind}: {problem}" if problem else f"{kind}: {'killed' if status else 'done'}, nothing lost"
            counted[told] += 1
            shutil.rmtree(place)

    def _same(self, path: Path, what: str = "") -> str:
        with Store.open(path) as store:
            store.take_in()
            if store.warnings:
                return store.warnings[0][:120]
            found = content(store)
        wrong = [table for table in self.whole if table != "datasets" and found[table] != self.whole[table]]
        return f"{what} other rows of {', '.join(wrong)}" if wrong else ""

    def _of_intake(self, path: Path) -> Work:
        path.unlink()
        return lambda: _taken_in(path), lambda: self._same(path)

    def _of_migration(self, path: Path) -> Work:
        path.unlink()
        with duckdb.connect(str(path)) as connection:
            connection.execute("CREATE TABLE schema_versions (version INTEGER, applied DOUBLE)")
            for number in range(1, self.draw.randrange(2, len(schema.MIGRATIONS) + 1)):
                connection.execute(schema.MIGRATIONS[number - 1])
                connection.execute("INSERT INTO schema_versions VALUES (?, 0)", [number])

        def lost() -> str:
            Store.open(path).close()  # it says that it was brought up to date
            return self._same(path)

        return lambda: Store.open(path).close(), lost

    def _of_rebuild(self, path: Path) -> Work:
        return lambda: damage.rebuild(path, runs_root(path)), lambda: self._same(path)

    def _of_export(self, path: Path) -> Work:
        to = path.with_name("out.zip")

        def work() -> None:
            with Store.open(path) as store:
                export_runs(runs_root(path), [store.run(one) for one in self.ids], to)

        def lost() -> str:
            if not to.exists():
                return self._same(path)
            done = import_runs(path.with_name("other.runs"), to)
            return "" if [one.outcome for one in done] == ["imported"] * RUNS else "half an export was there"

        return work, lost

    def _of_import(self, path: Path) -> Work:
        other = path.with_name("other.duckdb")

        def lost() -> str:
            there = {one.name for one in _folders(runs_root(other))}
            done = import_runs(runs_root(other), self.folder / "runs.zip")
            if any((one.outcome == "there already") != (one.run_id in there) for one in done):
                return f"half a run was there: {[one.outcome for one in done]}"
            same = all(_files(runs_root(other) / one) == _files(runs_root(self.made) / one) for one in self.ids)
            return self._same(other) if same else "an imported run is not whole"

        return lambda: import_runs(runs_root(other), self.folder / "runs.zip"), lost

    def _of_import_pykt(self, path: Path) -> Work:
        def lost() -> str:
            there = [one for one in _folders(runs_root(path)) if one.name not in self.ids]
            if any(RunFolder(runs_root(path), one.name).lines(0).rows[-1]["kind"] != "finished" for one in there):
                return "half a record was there"
            done = import_pykt(runs_root(path), self.pykt)
            with Store.open(path) as store:
                store.take_in()
                return "" if store.run(done.run_id).status == "finished" else "the record has no end"

        return lambda: import_pykt(runs_root(path), self.pykt), lost

    def _of_delete(self, path: Path) -> Work:
        def work() -> None:
            with Store.open(path) as store:
                store.delete(self.ids[0])

        return work, lambda: self._brought_back(path)

    def _of_restore(self, path: Path) -> Work:
        with Store.open(path) as store:
            store.delete(self.ids[0])

        def work() -> None:
            with Store.open(path) as store:
                store.restore(self.ids[0])

        return work, lambda: self._brought_back(path)

    def _brought_back(self, path: Path) -> str:
        with Store.open(path) as store:
            store.take_in()
            deleted = [one.run_id for one in store.deleted()]
            listed = self.ids[0] in set(store.runs()["run_id"])
            if listed == bool(deleted):
                return "a run is neither listed nor in the trash, or both"
            if deleted:
                store.restore(self.ids[0])
        return self._same(path)

    def _of_backup(self, path: Path) -> Work:
        out = path.with_name("b.zip")

        def lost() -> str:
            if not out.exists():
                return self._same(path)
            backup.restore(out, path.with_name("again.duckdb"))
            return self._same(path.with_name("again.duckdb"))

        return lambda: backup.backup(path, out), lost

    def _of_restore_backup(self, path: Path) -> Work:
        to = path.with_name("back.duckdb")

        def lost() -> str:
            if not (to.exists() or runs_root(to).exists()):
                shutil.rmtree(to.with_name("back.sweeps"), ignore_errors=True)  # it says that this is in the way
                backup.restore(self.folder / "backup.zip", to)
            return self._same(to)

        return lambda: backup.restore(self.folder / "backup.zip", to), lost

    def _of_sweep(self, path: Path) -> Work:
        path = path.with_name("swept.duckdb")
        fixed = {"data.path": str(self.config.data.path), **TINY}
        plan = [
            f"{name} = {str(value).lower() if isinstance(value, bool) else value!r}" for name, value in fixed.items()
        ]
        folder = SweepFolder(path, "swept")
        folder.save("\n".join(['preset = "corrected"', "seeds = 2", "weights.variance = [0.0, 1.0]", *plan]))

        def work() -> None:
            Sweep(folder, Here(), lambda _done, _says: None).carry_out()

        def lost() -> str:
            work()
            with Store.open(path) as store:
                store.take_in()
                runs = store.runs()
                if list(runs["status"]) != ["finished"] * 4:
                    return f"four trials are {list(runs['status'])}"
                found = sorted(
                    store._rows("SELECT name, step, value FROM series WHERE NOT contains(name, 'second')", {}), key=repr
                )
            self.swept = self.swept or found
            return "" if found == self.swept else "other bits than those of a sweep that was not killed"

        return work, lost


def _taken_in(path: Path) -> None:
    with Store.open(path) as store:
        store.take_in()


def _folders(root: Path) -> Iterator[Path]:
    return (one for one in root.glob("[0-9]*")) if root.exists() else iter(())


def _files(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.suffix in (".jsonl", ".safetensors") and "states" not in file.parts
    }
