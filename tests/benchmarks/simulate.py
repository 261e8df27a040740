"""Interactions per minute into a Parquet file, truth included: `python -m tests.benchmarks.simulate [SCENARIO ...]`."""

import resource
import sys
import tempfile
import time
from pathlib import Path

from gainakt.simulate import scenario, write


def main(names: list[str]) -> None:
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "class.parquet"
            begin = time.perf_counter()
            written = write(name, scenario(name), 0, out)
            seconds = time.perf_counter() - begin
            print(
                f"{name}: {written.students:,} students, {written.interactions:,} interactions in {seconds:.2f} s,"
                f" {60 * written.interactions / seconds / 1e6:.0f} million a minute, {out.stat().st_size / 1e6:.1f} MB,"
                f" peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB"
            )


if __name__ == "__main__":
    main(sys.argv[1:] or ["large", "assist-like", "bkt-truth"])
