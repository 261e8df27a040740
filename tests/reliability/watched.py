"""Train the same configuration while no, one and five tabs look on in the same process: the same bits each time."""

import os
from collections import Counter
from pathlib import Path

from streamlit.testing.v1 import AppTest

from gainakt.config import changed
from gainakt.jobs import lineage
from gainakt.ui import resources
from tests.reliability.common import main, tiny

ROOT = Path(__file__).resolve().parents[2]
TABS = (0, 1, 5)
EPOCHS = 10


def harness(folder: Path, tries: int, seed: int, counted: Counter[str]) -> None:
    """`tries` rounds of one training for each number of tabs; a round's trainings are compared to the very first."""
    os.environ["GAINAKT_STORE"] = str(folder / "s.duckdb")
    config = changed(tiny(folder), {"training.max_epochs": EPOCHS})
    config = changed(config, {"training.seed": seed % 1000})
    store, service = resources.store(), resources.service()
    try:
        first = ""
        for _ in range(tries):
            for tabs in TABS:
                run_id = service.submit(config, name=f"{tabs} tabs", preset="corrected")
                looks = _watched(run_id, tabs)
                service.wait()
                store.take_in()
                first = first or run_id
                done = store.run(run_id)
                same = not lineage.differences(service.root, store.run(first), done)
                if done.status != "finished" or not same:
                    counted[f"LOST: other bits with {tabs} tabs"] += 1
                counted[f"the same bits with {tabs} tabs"] += same
                counted[f"looks of {tabs} tabs while it trained"] += looks
    finally:
        store.close()


def _watched(run_id: str, tabs: int) -> int:
    """Look at the run's page from so many tabs in turn until it has ended; how many looks there were."""
    apps = [AppTest.from_file(str(ROOT / "app.py"), default_timeout=120) for _ in range(tabs)]
    looks = 0
    service = resources.service()
    while apps and (service.running() or service.waiting()):
        app = apps[looks % tabs]
        if looks < tabs:
            app.switch_page("pages/1_Train.py")
            app.query_params["run"] = run_id
        assert not app.run().exception
        looks += 1
    return looks


if __name__ == "__main__":
    main(harness, 10, __doc__)
