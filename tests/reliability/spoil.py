"""Spoil journals, control files, stores and write-ahead logs at random places: told, kept aside, rebuilt equal."""

import random
import shutil
import time
from collections import Counter
from pathlib import Path

from gainakt.errors import InputError
from gainakt.store import RunFolder, Store, damage, runs_root
from gainakt.training.requests import Malformed, parsed
from tests.journals import content
from tests.reliability.common import holding, kill, main, tiny, trained


def spoiled(data: bytes, draw: random.Random, lines: bool) -> bytes:
    """The bytes with one fault: cut, a bit turned over, some bytes lost or overwritten; of lines, one lost or twice."""
    at = draw.randrange(len(data))
    how = draw.randrange(6 if lines else 4)
    if how == 0:
        return data[:at]
    if how == 1:
        return data[:at] + bytes([data[at] ^ 1 << draw.randrange(8)]) + data[at + 1 :]
    if how == 2:
        return data[:at] + draw.randbytes(min(64, len(data) - at)) + data[at + 64 :]
    if how == 3:
        return data[:at] + data[at + draw.randrange(1, 40) :]
    parts = data.splitlines(keepends=True)
    place = draw.randrange(len(parts))
    return b"".join(parts[:place] + parts[place : place + 1] * (0 if how == 4 else 2) + parts[place + 1 :])


def harness(folder: Path, tries: int, seed: int, counted: Counter[str]) -> None:
    """`tries` faults, a quarter of them in each kind of file; what became of them."""
    draw = random.Random(seed)
    made = folder / "made" / "s.duckdb"
    made.parent.mkdir()
    run = trained(runs_root(made), tiny(folder))
    for weight in range(40):
        run.request("weights.variance", weight, "harness")
    with Store.open(made) as store:
        store.take_in()
        whole = content(store)
    rows, asked = run.lines(0).rows, list(parsed(run.requests(0)[0]))
    for place in range(tries):
        (_journal, _control, _file, _log)[place % 4](
            folder / "spoiled", made, run.run_id, draw, counted, (whole, rows, asked)
        )
        shutil.rmtree(folder / "spoiled")


def _copied(to: Path, made: Path, run_id: str) -> tuple[Path, RunFolder]:
    shutil.copytree(made.parent, to)
    return to / made.name, RunFolder(runs_root(to / made.name), run_id)


def _journal(to, made, run_id, draw, counted, given):  # type: ignore[no-untyped-def]
    path, run = _copied(to, made, run_id)
    run.journal.write_bytes(spoiled(run.journal.read_bytes(), draw, True))
    found = run.lines(0)
    fits = [row for row in found.rows if row["kind"] != "damaged"]
    if any(row not in given[1] for row in fits) or [row for row in given[1] if row in fits] != fits:
        counted["LOST: a journal gave a row that was never written, or twice"] += 1
    complete = found.end == run.journal.stat().st_size
    with Store.open(path) as store:
        store.take_in()
        if fits == given[1]:
            counted["journal: nothing but a torn last line"] += 1
        elif found.faults or not complete or store.warnings:
            counted["journal: told, the rest as it was"] += 1
        else:
            counted["LOST: a journal was wrong without a word"] += 1
        if content(store)["series"] != given[0]["series"]:
            counted["LOST: rows of the store changed"] += 1


def _control(to, made, run_id, draw, counted, given):  # type: ignore[no-untyped-def]
    _, run = _copied(to, made, run_id)
    run.control.write_bytes(spoiled(run.control.read_bytes(), draw, True))
    asked = list(parsed(run.requests(0)[0]))
    good = [one for one in asked if not isinstance(one, Malformed)]
    if any(one not in given[2] for one in good) or len(good) != len({repr(one) for one in good}):
        counted["LOST: a control file asked for what nobody had asked"] += 1
    else:
        counted["control: only what was asked for, once"] += 1


def _file(to, made, run_id, draw, counted, given):  # type: ignore[no-untyped-def]
    path, _ = _copied(to, made, run_id)
    path.write_bytes(spoiled(path.read_bytes(), draw, False))
    _read(path, "store", counted, given[0])


def _log(to, made, run_id, draw, counted, given):  # type: ignore[no-untyped-def]
    path, run = _copied(to, made, run_id)
    holder = holding(path)
    time.sleep(0.3)
    with run:
        for name in range(20):  # taken in after the last checkpoint, they are in the log
            run.append({"kind": "renamed", "name": f"name {name}"})
            time.sleep(0.02)
    time.sleep(0.3)
    kill(holder)
    with Store.open(":memory:", runs=runs_root(path)) as anew:
        anew.take_in()
        whole = content(anew)
    log = damage.log_of(path)
    if not log.exists():
        counted["write-ahead log: none was left"] += 1
        return
    log.write_bytes(spoiled(log.read_bytes(), draw, False))
    _read(path, "write-ahead log", counted, whole)


def _read(path: Path, what: str, counted: Counter[str], whole: dict[str, list[object]]) -> None:
    """Open and read: as it was, or told in words and rebuilt as it was, the bad file kept."""
    bad = path.read_bytes()
    try:
        with Store.open(path) as store:
            store.take_in()
            found, told = content(store), bool(store.warnings)
        counted[f"{what}: as it was{', told' if told else ''}" if found == whole else f"LOST: {what}: differs"] += 1
        return
    except InputError:
        pass
    except Exception as error:
        counted[f"LOST: {what}: no sentence but {type(error).__name__}: {str(error)[:80]}"] += 1
    _, kept = damage.rebuild(path, runs_root(path))
    with Store.open(path) as store:
        same = content(store) == whole
    aside = kept is not None and kept.read_bytes() == bad
    counted[f"{what}: told, kept aside, rebuilt equal" if same and aside else f"LOST: {what}: not rebuilt equal"] += 1


if __name__ == "__main__":
    main(harness, 200, __doc__)
