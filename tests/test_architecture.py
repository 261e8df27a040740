"""Imports point one way through the rooms of gainakt, and torch, streamlit and duckdb stay in theirs."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# The rooms of gainakt from the bottom up: a file may import from its own room and from those before it, never after.
ORDER = (
    "errors", "measures", "config", "store", "reference", "data", "simulate", "datasets", "model", "losses",
    "curve_model", "training", "benchmark", "verdict", "analysis", "jobs", "ui", "cli", "pages",
)  # fmt: skip
# What the order alone would allow, and must not be.
NEVER = {
    "app": (
        "gainakt.training",
        "gainakt.benchmark",
        "gainakt.model",
        "gainakt.losses",
        "gainakt.curve_model",
        "gainakt.cli",
    ),
    "pages": (
        "gainakt.training",
        "gainakt.benchmark",
        "gainakt.model",
        "gainakt.losses",
        "gainakt.curve_model",
        "gainakt.cli",
    ),
    "gainakt.ui": ("gainakt.training", "gainakt.benchmark", "gainakt.model", "gainakt.losses", "gainakt.curve_model"),
    "gainakt.cli": ("gainakt.ui",),
    "gainakt.ui.plots": ("gainakt.store", "gainakt.jobs", "gainakt.analysis", "gainakt.verdict"),
    "gainakt.ui.plots.charts": ("streamlit",),
    "gainakt.store": ("gainakt.config",),
    "gainakt.store.inbox": ("duckdb", "gainakt.measures"),
    "gainakt.data": ("gainakt.store", "gainakt.measures"),
    "gainakt.simulate": ("gainakt.store", "gainakt.measures"),
    "gainakt.datasets": ("gainakt.store", "gainakt.measures"),
    "gainakt.model": ("gainakt.store", "gainakt.datasets", "gainakt.simulate"),
    "gainakt.losses": ("gainakt.store", "gainakt.datasets", "gainakt.simulate"),
    "gainakt.curve_model": ("gainakt.store", "gainakt.datasets", "gainakt.simulate", "gainakt.model", "gainakt.losses"),
    "gainakt.benchmark": ("gainakt.store",),
    "gainakt.analysis": (
        "gainakt.training",
        "gainakt.benchmark",
        "gainakt.model",
        "gainakt.losses",
        "gainakt.curve_model",
    ),
}
# Who may import a library at all; a name ends where a dot or a slash follows.
ONLY_IN = {
    "streamlit": ("app", "pages", "gainakt.ui"),
    "duckdb": ("gainakt.data", "gainakt.datasets", "gainakt.store"),
}
# What must load without torch, so that the first page is quick; two of them may import it inside a function.
NO_TORCH = ("app", "pages", "gainakt.ui", "gainakt.store", "gainakt.analysis", "gainakt.jobs", "gainakt.cli")
TORCH_WHEN_CALLED = ("gainakt.jobs", "gainakt.cli")


@dataclass(frozen=True)
class Import:
    """One imported name, and whether loading the module already imports it."""

    name: str
    line: int
    on_load: bool


def within(name: str, parts: tuple[str, ...]) -> bool:
    """Whether a dotted name is one of the parts or lies below one."""
    return any(name == part or name.startswith(part + ".") for part in parts)


def module_name(path: Path) -> str:
    """The dotted name of a file given relative to the root: gainakt/ui/frame.py is gainakt.ui.frame."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(module: str, source: str, package: bool = False) -> Iterator[Import]:
    """All imports in a source text; `from a import b` counts as a and as a.b, since b may be a module."""
    yield from _walk(ast.parse(source), module if package else module.rpartition(".")[0], True)


def _walk(node: ast.AST, package: str, on_load: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, child.lineno, on_load) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            base = _base(child, package)
            yield Import(base, child.lineno, on_load)
            yield from (Import(f"{base}.{alias.name}", child.lineno, on_load) for alias in child.names)
        elif isinstance(child, ast.Call) and _is_dynamic_import(child):
            yield Import(str(ast.literal_eval(child.args[0])), child.lineno, on_load)
        elif isinstance(child, ast.If) and ast.unparse(child.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}:
            yield from _walk(ast.Module(child.body, []), package, False)
            yield from _walk(ast.Module(child.orelse, []), package, on_load)
            continue
        deferred = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from _walk(child, package, on_load and not deferred)


def _base(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parents = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*parents, *([node.module] if node.module else [])])


def _is_dynamic_import(call: ast.Call) -> bool:
    called = ast.unparse(call.func).rpartition(".")[2]
    return called in {"import_module", "__import__"} and bool(call.args) and isinstance(call.args[0], ast.Constant)


def violations(module: str, found: list[Import]) -> list[str]:
    """What a module imports against the rules above, one line each."""
    return sorted({f"{module}:{one.line} imports {one.name}: {why}" for one in found for why in _reasons(module, one)})


def room(name: str) -> str:
    """The room of a dotted name: gainakt.ui.frame is in ui, app and pages.1_Train in pages, anything else in none."""
    first, _, rest = name.partition(".")
    if first in ("app", "pages"):
        return "pages"
    found = rest.partition(".")[0] if first == "gainakt" else ""
    return found if found in ORDER else ""


def _reasons(module: str, one: Import) -> Iterator[str]:
    for library, homes in ONLY_IN.items():
        if within(one.name, (library,)) and not within(module, homes):
            yield f"{library} only in {', '.join(homes)}"
    here, there = room(module), room(one.name)
    if here and there and ORDER.index(there) > ORDER.index(here):
        yield f"{there} stands above {here}"
    for part, forbidden in NEVER.items():
        if within(module, (part,)) and within(one.name, forbidden):
            yield f"{part} must not import it"
    lazily = within(module, TORCH_WHEN_CALLED) and not one.on_load
    if within(one.name, ("torch",)) and within(module, NO_TORCH) and not lazily:
        yield "torch loads only when it is needed"


def chain_to_torch(start: str, graph: dict[str, list[str]]) -> list[str]:
    """The modules that loading `start` loads one after the other down to torch, or an empty list."""
    paths, seen = [[start]], {start}
    while paths:
        path = paths.pop(0)
        for name in graph.get(path[-1], []):
            if within(name, ("torch",)):
                return [*path, name]
            # Loading a.b.c loads a and a.b as well.
            parents = [name.rsplit(".", depth)[0] for depth in range(name.count(".") + 1)]
            fresh = [parent for parent in parents if parent in graph and parent not in seen]
            seen.update(fresh)
            paths.extend([*path, parent] for parent in fresh)
    return []


def all_imports() -> dict[str, list[Import]]:
    """The imports of app.py and all files below pages/ and gainakt/, by module."""
    files = [*ROOT.glob("app.py"), *ROOT.glob("pages/**/*.py"), *ROOT.glob("gainakt/**/*.py")]
    found = {}
    for file in files:
        module = module_name(file.relative_to(ROOT))
        found[module] = list(imports(module, file.read_text(encoding="utf-8"), file.name == "__init__.py"))
    return found


@pytest.fixture(scope="module")
def code() -> dict[str, list[Import]]:
    """`all_imports`, read once."""
    return all_imports()


def test_imports_point_one_way(code: dict[str, list[Import]]) -> None:
    assert "\n".join(line for module, found in code.items() for line in violations(module, found)) == ""


def test_the_dashboard_loads_without_torch(code: dict[str, list[Import]]) -> None:
    graph = {module: [one.name for one in found if one.on_load] for module, found in code.items()}
    chains = [chain_to_torch(module, graph) for module in code if within(module, NO_TORCH)]
    assert "\n".join(" -> ".join(chain) for chain in chains if chain) == ""


def test_every_file_has_a_room(code: dict[str, list[Import]]) -> None:
    loose = [module for module in code if module not in ("gainakt", "gainakt.__main__") and not room(module)]
    assert loose == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("pages.1_Train", "from gainakt.training.loop import train"),
        ("pages.1_Train", "import gainakt.model"),
        ("app", "from gainakt import losses"),
        ("app", "def draw():\n    import torch"),
        ("gainakt.ui.frame", "from ..training import events"),
        ("gainakt.ui.frame", "from torch import nn"),
        ("gainakt.ui.frame", "from gainakt.cli import main"),
        ("gainakt.ui.plots.charts", "import streamlit as st"),
        ("gainakt.jobs.service", "import streamlit"),
        ("gainakt.jobs.service", "import torch.nn"),
        ("gainakt.jobs.service", "if True:\n    import torch"),
        ("gainakt.jobs.service", "import duckdb"),
        ("gainakt.jobs.service", "from gainakt.ui import frame"),
        ("gainakt.cli.main", "import torch"),
        ("gainakt.store.reader", "from gainakt.config import Config"),
        ("gainakt.store.reader", "def read():\n    from .. import config"),
        ("gainakt.store.reader", "import importlib\nimportlib.import_module('torch')"),
        ("gainakt.store.inbox", "import duckdb"),
        ("gainakt.model.encoder", "from gainakt.datasets.load import load"),
        ("gainakt.losses", "import gainakt.training.events"),
        ("gainakt.measures.metrics", "from ..store import Store"),
        ("gainakt.data.sources", "from gainakt.model.gainakt import GainAKT"),
        ("gainakt.data.sources", "from gainakt.simulate import simulate"),
        ("gainakt.curve_model.fit", "from gainakt.training import events"),
        ("gainakt.training.loop", "from gainakt.verdict import judge"),
        ("gainakt.verdict.judge", "from gainakt.analysis import insight"),
        ("gainakt.analysis.insight", "from gainakt.jobs import service"),
        ("gainakt.config.tree", "from gainakt.data import sources"),
        ("gainakt.errors", "import gainakt.config"),
    ],
)
def test_a_violation_is_caught(module: str, source: str) -> None:
    assert violations(module, list(imports(module, source)))


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("pages.1_Train", "import streamlit as st\nfrom gainakt.ui import frame\nfrom gainakt.config import fields"),
        ("app", "from gainakt import __version__, jobs"),
        ("gainakt.jobs.service", "def start():\n    import torch\n    from gainakt.training.loop import train"),
        ("gainakt.jobs.service", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch"),
        (
            "gainakt.store.reader",
            "import duckdb\nfrom gainakt.errors import InputError\nfrom .schema import MIGRATIONS",
        ),
        ("gainakt.store", "import storeroom, torchmetrics"),
        (
            "gainakt.training.loop",
            "import torch\nfrom gainakt.model import GainAKT\nfrom gainakt.data import sequences",
        ),
        ("gainakt.data.sources", "import duckdb"),
        ("gainakt.losses", "from gainakt.data.sequences import Batch"),
        ("gainakt.models", "import gainakt.data"),
    ],
)
def test_what_is_allowed_passes(module: str, source: str) -> None:
    assert violations(module, list(imports(module, source))) == []


def test_torch_is_found_through_other_modules() -> None:
    graph = {"app": ["gainakt.a.b.name"], "gainakt.a": ["torch"], "gainakt.a.b": [], "gainakt.c": ["gainakt.a.b"]}
    assert chain_to_torch("app", graph) == ["app", "gainakt.a", "torch"]
    assert chain_to_torch("gainakt.c", graph) == ["gainakt.c", "gainakt.a", "torch"]
    assert chain_to_torch("gainakt.a.b", {**graph, "gainakt.a": []}) == []


def test_relative_imports_of_a_package_start_at_itself() -> None:
    assert [one.name for one in imports("gainakt.ui", "from . import charts", package=True)] == [
        "gainakt.ui",
        "gainakt.ui.charts",
    ]
    assert [one.name for one in imports("gainakt.ui.frame", "from ..store import Store")] == [
        "gainakt.store",
        "gainakt.store.Store",
    ]
