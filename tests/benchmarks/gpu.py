"""Training on a GPU: does it give what the CPU gives, how fast is it, can it be steered, stopped, resumed and fail.

    bash tests/benchmarks/gpu.sh [--wheels DIR] [--data DIR]     on a machine with a card, under 8 minutes
    python -m tests.benchmarks.gpu --device cpu --tiny           a self-test in seconds, without a card

Each step runs in a process of its own under a time limit and prints one line; a step that fails or hangs does not stop
the next. With OUT set, all figures go to $OUT/gpu.json after every step. Exit status 1 if a step failed.
"""

import argparse
import importlib.util
import json
import multiprocessing
import os
import platform
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

NEEDED = ("torch", "numpy", "pandas", "scipy", "scikit-learn", "pydantic", "safetensors", "pyarrow")
"""What `gainakt.training` imports; reading files, the store and the pages need more."""
OPTIONAL = ("duckdb", "psutil", "cooper-optim", "typer", "streamlit", "plotly")
TOTAL_SECONDS = 460.0
Figures = dict[str, Any]


def versions(names: tuple[str, ...]) -> dict[str, str | None]:
    """Installed version of each package, None where it is missing."""
    found: dict[str, str | None] = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def limited(job: Callable[..., None], step: Callable[[], Figures], seconds: float, method: str = "fork") -> Figures:
    """A step's outcome; FAIL when its process dies or its time is up.

    `fork` loads packages once for all; this process touches neither the card nor torch's threads. `spawn` starts anew.
    """
    context = multiprocessing.get_context(method)
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=job, args=(step, theirs))
    process.start()
    theirs.close()
    try:
        told: Figures = ours.recv() if ours.poll(seconds) else {"error": f"not done after {seconds:.0f} s"}
    except EOFError:
        told = {"error": "its process died"}
    process.kill()
    process.join()
    return {"status": "FAIL", **told}


def main() -> int:
    """Run the steps, print a line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--data", default="../shared/data/assist2015", help="folder of pyKT's ASSIST2015; else drawn")
    parser.add_argument("--tiny", action="store_true", help="tiny sizes, for a self-test")
    parser.add_argument("--only", default="", help="steps whose name holds this")
    options = parser.parse_args()
    begun = time.perf_counter()
    told: Figures = {"python": platform.python_version(), "versions": versions(NEEDED + OPTIONAL)}
    print("python", told["python"], *(f"{name} {known or 'MISSING'}" for name, known in told["versions"].items()))
    modules = {"scikit-learn": "sklearn"}
    if lacking := [name for name in NEEDED if importlib.util.find_spec(modules.get(name, name)) is None]:
        print(f"FAIL training needs {', '.join(lacking)}: pass --wheels DIR with their wheels")
        return 1
    os.environ.setdefault("OMP_NUM_THREADS", str(min(8, os.cpu_count() or 1)))
    import torch._dynamo  # noqa: F401  optimisers load it at their first use: once here, not in every step's process

    from tests.benchmarks.gpu_steps import Steps, in_child

    steps, told["steps"] = Steps(options), {}
    # Where loading a package has already touched the driver, a forked process cannot use the card.
    method = "fork" if limited(in_child, steps.reachable, 60.0)["status"] == "PASS" else "spawn"
    for name, (step, seconds) in steps.all().items():
        if options.only not in name:
            continue
        left = TOTAL_SECONDS - (time.perf_counter() - begun)
        outcome = (
            limited(in_child, step, 100.0 if options.tiny else min(seconds, left), method)
            if left > 5
            else {"status": "FAIL", "error": "no time left"}
        )
        told["steps"][name] = outcome
        figures = " ".join(f"{key}={value}" for key, value in outcome.items() if key != "status")
        print(f"{outcome['status']} {name}: {figures}")
        if out := os.environ.get("OUT"):
            Path(out, "gpu.json").write_text(json.dumps(told, indent=1) + "\n")
    failed = [name for name, outcome in told["steps"].items() if outcome["status"] == "FAIL"]
    print(f"{len(told['steps']) - len(failed)} of {len(told['steps'])} steps without failure", *failed, sep="; ")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
