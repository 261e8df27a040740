"""Do skills differ, and does the response matter, whichever interactions are included and whatever has a level?

    python -m tests.benchmarks.sensitivity ../shared/data/assist2015 [--every 4] [--seed 0]

Inclusion rules decide such results (arXiv 2605.01690): opportunities of a student on a skill cut at 10 and at 5, and
without the runs of a skill that end at three correct responses in a row, as where a tutor stops at mastery, or without
those of three correct responses alone.
"""

import argparse
import sys
from dataclasses import replace

import numpy as np

from gainakt.config import Config, changed
from gainakt.data.interactions import Interactions
from gainakt.datasets.load import load
from gainakt.verdict.with_curve_model import MOST, data_tests

RULES = (
    "all interactions", "first 10 opportunities", "first 5 opportunities", "without mastery-stopped runs",
    "without runs of three correct alone",
)  # fmt: skip


def kept(data: Interactions, rule: str) -> Interactions:
    """The data under an inclusion rule."""
    if rule == RULES[0]:
        return data
    key = data.student.astype(np.int64) * len(data.skills) + data.skill
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    new = np.append(True, ordered[1:] != ordered[:-1])
    run, first = np.cumsum(new) - 1, np.nonzero(new)[0]
    if rule.startswith("first"):
        inside = np.arange(len(key)) - first[run] < int(rule.split()[1])
    else:
        last = np.append(first[1:], len(key)) - 1
        right = data.response[order] > 0
        enough = last - first >= 2 if rule == RULES[3] else last - first == 2
        three = enough & right[last] & right[np.maximum(last - 1, 0)] & right[np.maximum(last - 2, 0)]
        inside = ~three[run]
    keep = np.zeros(len(key), bool)
    keep[order] = inside
    columns = {name: getattr(data, name)[keep] for name in ("student", "skill", "response")}
    return replace(data, **columns, question=None, questions=[], group=None, truth={})


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--every", type=int, default=4, help="every how-manieth student")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rule", choices=RULES, help="only this one")
    asked = parser.parse_args(argv)
    whole = load(changed(Config(), {"data.path": asked.data}).data)
    chosen = whole.student % asked.every == 0
    whole = replace(whole, **{name: getattr(whole, name)[chosen] for name in ("student", "skill", "response")})
    print("| interactions included | level of | n | question | decision | rise, nats per 1,000 | size | halves r |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for rule in [asked.rule] if asked.rule else RULES:
        data = kept(whole, rule)
        for level in MOST:
            for question, test in data_tests(data, 200, asked.seed, lambda *_: None, level).items():
                said = test.as_json()
                rise = said["free_minus_tied"]
                figures = " to ".join(f"{1000 * rise[end]:.2f}" for end in ("low", "high"))
                halves = f"{said['halves']['r']:.2f}" if said.get("halves") else ""
                print(
                    f"| {rule} | {level} | {len(data):,} | {question} | {said['decision']} |"
                    f" {1000 * rise['value']:.2f} ({figures}) | {said['size']:.2f} | {halves} |",
                    flush=True,
                )


if __name__ == "__main__":
    main(sys.argv[1:])
