"""Spoil good files of every format at random places: each is read with all rows accounted for, or refused in words.

Bytes flipped, lost, doubled and cut off, NUL, invalid UTF-8, huge cells, a million columns, and archives that unpack to
far more than they are.
"""

import gzip
import io
import json
import random
import re
import resource
import time
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq

from gainakt.config import DataConfig
from gainakt.data.sources import read
from gainakt.errors import InputError

SLOW = 60.0
"""Seconds after which a file of a few kilobytes has hung; far more than it takes on a busy machine."""


MOST_MEMORY = 2_500
"""MB that reading may take: 1,500 of the database, and what is loaded; a workbook has a process of its own."""

TOKENS = (b"1e400", b"-1", b"9" * 400, b"null", b"[]", b"{}", b"[" * 3000, b'"\\ud800"', b"true", b"-Infinity")
"""What JSON and TOML may hold where something else is expected."""


def good_files(folder: Path) -> dict[str, tuple[bytes, str]]:
    """Kind -> the content of a good small file and its name."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(1)
    rows = [(f"s{i}", f"skill {draw.randrange(4)}", draw.randrange(2)) for i in range(8) for _ in range(5)]
    table = "user_id,skill,correct\n" + "".join(f"{a},{b},{c}\n" for a, b, c in rows)
    sequences = "fold,uid,concepts,responses\n" + "".join(
        f'{i % 2},{i},"{",".join(str(draw.randrange(4)) for _ in range(5))}","1,0,1,1,0"\n' for i in range(8)
    )
    objects = [{"user_id": a, "skill": b, "correct": c} for a, b, c in rows]
    pq.write_table(pa.Table.from_pylist(objects), folder / "t.parquet")
    shop = "Anon Student Id\tKC (Default)\tFirst Attempt\n" + "".join(
        f"{a}\t{b}\t{'correct' if c else 'incorrect'}\n" for a, b, c in rows
    )
    book = io.BytesIO()
    with zipfile.ZipFile(book, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("[Content_Types].xml", "<Types/>")
    return {
        "table": (table.encode(), "a.csv"),
        "sequences": (sequences.encode(), "a.csv"),
        "lines": (b"".join(b"3\n1,2,3\n1,0,1\n" for _ in range(8)), "a.txt"),
        "json": ("\n".join(map(json.dumps, objects)).encode(), "a.jsonl"),
        "parquet": ((folder / "t.parquet").read_bytes(), "a.parquet"),
        "packed": (gzip.compress(table.encode(), mtime=0), "a.csv.gz"),
        "datashop": (shop.encode(), "a.txt"),
        "workbook": (book.getvalue(), "a.xlsx"),
    }


def spoiled(content: bytes, draw: random.Random) -> bytes:
    """The content with one to three faults."""
    data = bytearray(content)
    for _ in range(draw.randint(1, 3)):
        at, end = sorted((draw.randrange(len(data) + 1), draw.randrange(len(data) + 1)))
        how = draw.randrange(9)
        if how == 0 and data:
            data[at % len(data)] ^= 1 << draw.randrange(8)
        elif how == 1:
            del data[at:end]
        elif how == 2:
            del data[at:]
        elif how == 3:
            data[at:at] = data[at:end]
        elif how == 4 and (numbers := list(re.finditer(rb"-?[0-9]+[0-9.e+-]*", data))):
            number = draw.choice(numbers)
            data[number.start() : number.end()] = draw.choice(TOKENS)
        else:
            odd = (
                *TOKENS,
                b"\x00",
                b"\xff\xfe\xed\xa0\x80",
                b"x" * 70_000,
                b'"',
                b"," * 20_000,
                b"\r",
                "١٢".encode(),
                b"nan",
            )
            data[at:at] = draw.choice(odd)
    return bytes(data)


def spoiled_read(folder: Path, content: bytes, name: str, seed: int) -> str:
    """What became of the content, spoiled by this seed, as a file of this name; begins with LOST where it is bad."""
    path = folder / name
    path.write_bytes(spoiled(content, random.Random(seed)))
    return outcome(path)


def outcome(path: Path) -> str:
    """What became of reading a file; begins with LOST for a traceback, a hang, or rows that nobody accounts for."""
    begun = time.monotonic()
    try:
        data = read(path, DataConfig())
    except InputError as error:
        told = "refused in words" if len(str(error)) < 3000 else f"LOST: a message of {len(str(error)):,} characters"
    except Exception as error:
        told = f"LOST: {type(error).__name__}: {str(error)[:80]}"
    else:
        told = "read" if len(data) and data.rows >= data.rejected_rows else "LOST: read as nothing"
    seconds = time.monotonic() - begun
    return f"LOST: took {seconds:.0f} s" if seconds > SLOW else told


def bombs(folder: Path, megabytes: int = 64) -> dict[str, Path]:
    """Small files that unpack to so much or to far more, and one of very many columns."""
    found = {}
    for name, what in (("zeros.csv.gz", b"\x00"), ("row.csv.gz", b"a,"), ("lines.csv.gz", b"a,b,c\n")):
        found[name] = folder / name
        with gzip.open(found[name], "wb", 1) as file:
            for _ in range(megabytes):
                file.write(what * ((1 << 20) // len(what)))
    found["columns.csv"] = folder / "columns.csv"
    found["columns.csv"].write_text(",".join(f"c{i}" for i in range(megabytes * 16_000)) + "\n1\n")
    return found | _tables(folder) | {"corners.xlsx": _corners(folder / "corners.xlsx")}


def _tables(folder: Path) -> dict[str, Path]:
    """Kilobytes of Parquet and Feather: 30 million equal rows, as many in lists, a label of 20 MB in 100,000 rows."""
    million = _constant(1_000_000, "s")
    with pq.ParquetWriter(folder / "rows.parquet", million.schema, compression="zstd") as file:
        for _ in range(30):
            file.write_table(million)
    ends = pa.array(range(0, 25_000_001, 5_000_000), pa.int32())
    ones = pa.ListArray.from_arrays(ends, pa.array(np.ones(25_000_000, "int8")))
    lists = pa.table({"uid": list("abcde"), "concepts": ones, "responses": ones})
    pq.write_table(lists, folder / "lists.parquet", compression="zstd")
    label = _constant(100_000, "s" * 20_000_000)
    pq.write_table(label, folder / "label.parquet", compression="zstd", dictionary_pagesize_limit=1 << 30)
    zeros = pa.array(np.zeros(25_000_000, "int8"))
    pa.feather.write_feather(pa.table([zeros] * 3, ["student", "skill", "correct"]), folder / "rows.feather", "zstd")
    return {name: folder / name for name in ("rows.parquet", "lists.parquet", "label.parquet", "rows.feather")}


def _constant(rows: int, student: str) -> pa.Table:
    zeros = pa.array(np.zeros(rows, "int8"))
    columns = [pa.DictionaryArray.from_arrays(zeros, pa.array([label])) for label in (student, "k")]
    return pa.table([*columns, zeros], ["student", "skill", "correct"])


def _corners(path: Path) -> Path:
    """A workbook of two cells, which span the largest sheet there is."""
    open_xml = "http://schemas.openxmlformats.org"
    main, office = f"{open_xml}/spreadsheetml/2006/main", f"{open_xml}/officeDocument/2006/relationships"
    related = f'<Relationships xmlns="{open_xml}/package/2006/relationships"><Relationship Id="r" Type="{office}/'
    cells = "".join(f'<row r="{at[3:]}"><c r="{at}"><v>1</v></c></row>' for at in ("AAA1", "XFD1048576"))
    parts = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": f'{related}officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="S" sheetId="1" r:id="r"/>'
        "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'{related}worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>',
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def harness(folder: Path, tries: int, seed: int, counted: Counter[str]) -> None:
    """The bombs, then `tries` spoiled files, in turn over the formats."""
    kinds = list(good_files(folder / "good").items())
    for name, path in bombs(folder).items():
        counted[f"{name}: {outcome(path)}"] += 1
        print(
            f"{name}: {path.stat().st_size:,} bytes; memory {psutil.Process().memory_info().rss >> 20} MB", flush=True
        )
    for number in range(tries):
        kind, (content, name) = kinds[number % len(kinds)]
        counted[f"{kind}: {spoiled_read(folder, content, name, seed + number)}"] += 1
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    counted["MB of memory at most" if most < MOST_MEMORY else "LOST: memory above the limit, MB"] = most


if __name__ == "__main__":
    from tests.reliability.common import main

    main(harness, 1_000, __doc__)
