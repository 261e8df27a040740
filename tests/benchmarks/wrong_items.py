"""Items put under a wrong skill on purpose: how many the page finds, how many others it accuses.

python -m tests.benchmarks.wrong_items [--seeds 5]    # classes of heterogeneous-truth: 1,500 students, 300 items
"""

import argparse

from gainakt.analysis.learning import afm, items
from gainakt.analysis.learning.observations import observations
from gainakt.simulate import simulate
from tests.test_learning import wrongly_labelled

WRONG = 30


def main() -> None:
    """A line for each class, without and with items of different difficulty."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    for item_sd in (0.0, 0.5):
        for seed in range(parser.parse_args().seeds):
            made = simulate("heterogeneous-truth", seed, students=1500, skills=50, items_per_skill=6, item_sd=item_sd)
            data, wrong, home = wrongly_labelled(made, WRONG, seed)
            seen = observations(data)
            table = items.misfits(data, seen, afm.fitted(seen))
            accused = table[table["verdict"] == "other_skill"]
            right = sum(
                row.better == data.skills[home[one]]
                for one, row in zip(accused.index, accused.itertuples(), strict=True)
            )
            found = len(wrong & set(accused["item"]))
            print(
                f"difficulty SD {item_sd}, seed {seed}: {found} of {WRONG} found, {right} with their own skill;"
                f" {len(accused) - found} of {len(data.questions) - WRONG} others accused",
                flush=True,
            )


if __name__ == "__main__":
    main()
