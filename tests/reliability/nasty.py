"""Values that no setting should trip over: not finite, negative, huge, of the wrong type, empty, no text.

Run as a command, it gives each of them, and so many random texts, to every setting as `--set` and as JSON do: an error
in words, or a configuration that can be written and read again.
"""

import math
import random
from collections import Counter
from pathlib import Path
from typing import Any

from gainakt.config import Config, changed, fields, flatten
from gainakt.errors import InputError

TEXTS = ("nan", "inf", "-inf", "-1", "1e400", "9" * 5000, "", "  ", "\x00", "\ud800", "x" * 3000, "[]", "true",
         "1_000", "0x10", "١", "1e-5000", "1; 2", "../..", "'; DROP TABLE runs; --")  # fmt: skip
VALUES = (math.nan, math.inf, -math.inf, -1, -(10**400), 10**400, 2**63, 1e308, 5e-324, None, True, [], {}, [1],
          {"a": 1})  # fmt: skip
LONGEST = 1000
"""Characters of an error that a page can show; several settings may be named in it."""


def trouble(config: Config, name: str, value: Any) -> str:
    """What is wrong with the way in which a setting takes a value; empty where it is refused or taken as it should."""
    try:
        taken = changed(config, {name: value})
    except InputError as error:
        return "" if len(str(error)) <= LONGEST else f"an error of {len(str(error)):,} characters"
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:80]}"
    numbers = [one for one in flatten(taken).values() if isinstance(one, int | float)]
    if not all(math.isfinite(one) and (isinstance(one, float) or abs(one) <= 2**53) for one in numbers):
        return "a number without bounds is taken"
    return "" if Config.model_validate_json(taken.model_dump_json()) == taken else "it is not read as it was written"


def harness(folder: Path, tries: int, seed: int, counted: Counter[str]) -> None:
    """Every setting with every value, then `tries` random texts."""
    draw, names = random.Random(seed), list(fields())
    asked = [(name, value) for name in names for value in (*TEXTS, *VALUES)]
    signs = "0123456789.-+eE_ naif,:;[]{}\"'\\\x00\x7f\ud800é"
    asked += [
        (draw.choice(names), "".join(draw.choices(signs, k=draw.randrange(1, 12)))) for _ in range(tries)
    ]  # fmt: skip
    for name, value in asked:
        problem = trouble(Config(), name, value)
        counted[f"LOST: {name} {value!r:.30}: {problem}" if problem else "refused in words, or taken whole"] += 1


if __name__ == "__main__":
    from tests.reliability.common import main

    main(harness, 10_000, __doc__)
