"""Server time of Runs and Compare on a lab's store; run: python -m tests.benchmarks.big_store [RUNS] [SERIES_ROWS].

2,000 runs and 5 million rows of series unless said otherwise. The store lies in TMPDIR and is removed, or in --keep
FOLDER, where the next call finds it.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
from streamlit.testing.v1 import AppTest

from gainakt.config import changed
from gainakt.config.presets import PRESETS
from gainakt.measures.registry import MEASURES
from gainakt.store import Store

ROOT = Path(__file__).resolve().parents[2]
SERIES = (
    "gain_std", "aggregate_gain_std", "loss.total", "loss.bce", "loss.im", "loss.variance", "loss.contrastive",
    "interactions_per_second", "gradient.seconds", "validation.encoder1_auc", "validation.encoder2_auc",
    "validation.gain_std", "train_running.encoder1_auc", "train_running.encoder2_auc",
)  # fmt: skip
AIMS = {"Runs": 1.0, "Compare": 1.5}
"""Seconds that drawing the page may take the server."""
_CONFIGURATIONS = 64
_RUN = """
INSERT INTO runs (run_id, name, preset, status, created, started, ended, heartbeat, host, device, seed, config,
    versions, data, data_name, data_fingerprint, skill_labels, steps_per_epoch, max_epochs, parameters, step, epoch,
    epochs, best_encoder1, best_encoder2, seconds, interactions_per_second, reason, journal_offset,
    rows_taken, event_rows)
SELECT run_id, 'run ' || i, preset, CASE WHEN i % 20 = 0 THEN 'stopped' ELSE 'finished' END, 1.7e9 + 3600 * i,
    1.7e9 + 3600 * i + 5, 1.7e9 + 3600 * i + 900, 1.7e9 + 3600 * i + 900, 'lab', 'cpu', i % 5, config,
    '{"gainakt": "0.1.0"}', '{"name": "demo", "fingerprint": "f"}', 'demo', 'f', $labels, 10, $steps // 10, 99, $steps,
    $steps // 10, $steps // 10, 3, 4, 900, 12000, 'all epochs done', $size, $steps, 12
FROM made
"""
_TABLES = """
INSERT INTO series SELECT run_id, name, step, step // 10, 1.7e9 + i, hash(i, step, name) / 2e19
    FROM made, unnest($names::VARCHAR[]) n(name), range(1, $steps + 1) s(step);
INSERT INTO events SELECT run_id, seq, 1.7e9 + 3600 * i + 60 * seq, seq * 10, seq,
    CASE WHEN seq < 3 THEN 'changed' WHEN seq = 11 THEN 'finished' ELSE 'checkpointed' END, 'weights.variance', '0.0',
    '5.0', 'dashboard', '{"auc": 0.7}' FROM made, range(12) s(seq);
INSERT INTO histograms SELECT run_id, 'validation', epoch * 10, epoch, CASE WHEN skill = 12 THEN NULL ELSE skill END,
    list_transform(range(50), lambda x: hash(i, epoch, skill, x) % 100)
    FROM made, range(1, 6) e(epoch), range(13) s(skill);
INSERT INTO parameters SELECT run_id, name, epoch * 10, epoch, 1, 0.1, list_transform(range(101), lambda x: x / 100)
    FROM made, unnest(['beta', 'threshold', 'gamma', 'saturation']) n(name), range(1, 11) e(epoch);
INSERT INTO metrics SELECT run_id, split, name, hash(i, split, name) / 2e19
    FROM made, unnest(['train', 'validation', 'test']) p(split), unnest($measures::VARCHAR[]) n(name);
INSERT INTO skills SELECT run_id, position, 'skill ' || position, 100, 0.1, 0.2, 0.8, 2, 0.3, 1, NULL
    FROM made, range(12) p(position);
INSERT INTO datasets VALUES ('f', 'demo', 'demo', 1.7e9, '{}');
"""


def generate(path: Path, runs: int, rows: int) -> None:
    """A store of finished runs, five seeds of each configuration, with folders whose journals are as long as taken."""
    size = 100_000
    with Store.open(path) as store:
        root = store.runs_root
    assert root is not None
    configurations = [
        json.dumps(changed(preset.config, {"weights.variance": float(number)}).model_dump())
        for number, preset in zip(range(_CONFIGURATIONS), list(PRESETS.values()) * _CONFIGURATIONS, strict=False)
    ]
    values = {"steps": max(10, rows // runs // len(SERIES)), "size": size, "names": list(SERIES)}
    values |= {"labels": json.dumps([f"skill {i}" for i in range(12)]), "measures": list(MEASURES)}
    with duckdb.connect(str(path)) as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute(
            "CREATE TEMP TABLE made AS SELECT i, strftime(to_timestamp(1.7e9 + 3600 * i), '%Y%m%d-%H%M%S') ||"
            " format('-{:04x}', i) AS run_id, $configs[1 + (i // 5) % len($configs)] AS config,"
            " $presets[1 + (i // 5) % len($presets)] AS preset FROM range($runs::BIGINT) r(i)",
            {"configs": configurations, "presets": list(PRESETS), "runs": runs},
        )
        for statement in (_RUN, *filter(str.strip, _TABLES.split(";"))):
            used = {name: value for name, value in values.items() if f"${name}" in statement}
            connection.execute(statement, used)
        for (run_id,) in connection.execute("SELECT run_id FROM made").fetchall():
            (root / run_id).mkdir()
            with (root / run_id / "journal.jsonl").open("wb") as journal:
                journal.truncate(size)


@dataclass(frozen=True)
class Cost:
    """What it took: seconds by the clock, and of all cores together."""

    clock: float
    cores: float


def cost(act: Callable[[], object]) -> Cost:
    """What a call takes."""
    clock, cores = time.perf_counter(), time.process_time()
    act()
    return Cost(time.perf_counter() - clock, time.process_time() - cores)


def page(script: str, **query: str) -> AppTest:
    """A session of its own in which the next run draws this page; it has drawn another one, so that it is set up."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=300)
    app.switch_page("pages/5_Data.py").run()
    app.switch_page(script)
    for name, value in query.items():
        app.query_params[name] = value
    return app


def measure(path: Path) -> dict[str, list[Cost]]:
    """Page -> what it takes at first, in a new session afterwards, and redrawn in that session."""
    os.environ["GAINAKT_STORE"] = str(path)
    with Store.open(path) as store:
        ids = ",".join(store.runs()["run_id"].iloc[5:15])
    found = {}
    for name, script, query in (("Runs", "pages/2_Runs.py", {}), ("Compare", "pages/4_Compare.py", {"runs": ids})):
        sessions = [page(script, **query) for _ in range(2)]  # the server is up: store open, the usual libraries loaded
        found[name] = [cost(app.run) for app in (*sessions, sessions[1])]
        assert not sessions[1].exception, sessions[1].exception
    return found


def main() -> None:
    """Generate, measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="?", type=int, default=2000)
    parser.add_argument("rows", nargs="?", type=int, default=5_000_000)
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = (asked.keep or Path(folder)) / "big.duckdb"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            began = time.perf_counter()
            generate(path, asked.runs, asked.rows)
            print(f"generated in {time.perf_counter() - began:.1f} s")
        with Store.open(path) as store:
            look, runs = cost(store.take_in), len(store.runs())
        print(f"{runs:,} runs, {path.stat().st_size / 2**20:,.0f} MiB, a look for new rows {look.clock * 1e3:.0f} ms")
        print("seconds by the clock (of all cores together), aim by the clock")
        print(f"{'page':10} {'aim':>5} {'first':>14} {'new session':>14} {'redrawn':>14}")
        for name, costs in measure(path).items():
            print(f"{name:10} {AIMS[name]:5.1f}", *(f"{one.clock:7.2f} ({one.cores:4.2f})" for one in costs))


if __name__ == "__main__":
    main()
