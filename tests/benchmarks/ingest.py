"""Rows per second and peak memory of reading a generated table; run: python -m tests.benchmarks.ingest ROWS [FORMAT].

FORMAT is parquet (default) or csv. The file lies in TMPDIR and is removed; the reading runs in a process of its own.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[2]
_ROWS_PER_STUDENT = 100
_READ = """
import json, resource, sys, time
from gainakt.data.sources import read
start = time.perf_counter()
data = read(sys.argv[1])
seconds = time.perf_counter() - start
used = resource.getrusage(resource.RUSAGE_SELF)
peak = used.ru_maxrss / 2**20
print(json.dumps({"interactions": len(data), "students": len(data.students), "seconds": round(seconds, 1),
    "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
    "rows_per_second": round(len(data) / seconds), "peak_gib": round(peak, 2)}))
"""


def generate(path: Path, rows: int) -> None:
    """Students in random order of rows, 500 skills, 20,000 questions, times in milliseconds."""
    ending = "(FORMAT parquet)" if path.suffix == ".parquet" else "(FORMAT csv, HEADER)"
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET memory_limit = '2GB'")
        connection.execute(
            f"COPY (SELECT hash(i) % {max(1, rows // _ROWS_PER_STUDENT)} AS user_id,"
            " hash(i + 1) % 20000 AS question_id, 'skill ' || (hash(i + 2) % 500) AS skill_name,"
            " hash(i + 3) % 2 AS correct, 1500000000000 + i * 10 AS timestamp"
            f" FROM range({rows}) t(i)) TO '{path}' {ending}"
        )


def main() -> None:
    """Generate, read, print one line."""
    rows, form = int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "parquet"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"responses.{form}"
        generate(path, rows)
        done = subprocess.run([sys.executable, "-c", _READ, str(path)], cwd=ROOT, capture_output=True, text=True)
        print(done.stderr[-2000:], json.dumps({"format": form, "mb": path.stat().st_size >> 20}), done.stdout, sep="\n")


if __name__ == "__main__":
    main()
