"""The docs: links lead somewhere, tables can be read, tables made from code are fresh, examples run."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
from typer.main import get_command

from gainakt.cli.main import VERBS, app
from gainakt.config.presets import PRESETS
from tests.benchmarks import measures_page
from tests.test_architecture import ORDER, all_imports, room

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", ROOT / "data" / "README.md"]
PAGES += sorted((ROOT / "docs").glob("*.md"))
TEMPLATES = sorted((ROOT / "gainakt" / "analysis" / "report" / "templates").glob("*"))
LONGEST = 250


def prose(page: Path) -> str:
    """The text of a page without its code blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    return {anchor(heading) for heading in re.findall(r"^#+ (.*)$", prose(page), flags=re.MULTILINE)}


def broken(page: Path) -> list[str]:
    """Links of a page to files that are not there, or to headings that do not exist."""
    wrong = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        name, _, heading = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (heading and heading not in anchors(file)):
            wrong.append(target)
    return wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    assert broken(page) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_table_line_is_too_long_to_read(page: Path) -> None:
    lines = prose(page).splitlines()
    assert [line[:60] for line in lines if line.startswith("|") and len(line) > LONGEST] == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One heading\n[a](page.md#one-heading) [b](page.md#two) [c](no.md) [d](https://example.org)\n")
    assert broken(page) == ["page.md#two", "no.md"]


def test_every_page_of_the_docs_is_linked_from_the_readme_or_a_page_it_links() -> None:
    linked = {link for page in PAGES for link in re.findall(r"\]\((?:docs/)?(\w+\.md)", prose(page))}
    assert {page.name for page in (ROOT / "docs").glob("*.md")} - linked == set()


def test_the_tables_of_measures_are_fresh() -> None:
    text = measures_page.PAGE.read_text(encoding="utf-8")
    assert measures_page.page(text) == text, "run python -m tests.benchmarks.measures_page"


def test_the_picture_of_the_rooms_has_every_room() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    (picture,) = re.findall(r"^```mermaid\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    assert [room for room in ORDER if not re.search(rf"\b{room}\b", picture)] == []


def test_the_arrows_of_the_picture_are_the_imports() -> None:
    """Every import between rooms is an arrow or follows from some, and no arrow is there without an import."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    (picture,) = re.findall(r"^```mermaid\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    chains = [re.findall(r"\w+", line) for line in re.sub(r"\[.*?\]", "", picture).splitlines() if "-->" in line]
    arrows = {pair for chain in chains for pair in pairwise(chain)}
    imported = {(room(one.name), room(module)) for module, found in all_imports().items() for one in found}
    imported = {(below, above) for below, above in imported if below and above and below != above}
    assert arrows - imported == set()
    follows = set(arrows)
    for middle in ORDER:
        follows |= {(a, d) for a, b in follows if b == middle for c, d in follows if c == middle}
    assert imported - follows == set()


COMMAND = re.compile(r"python -m gainakt ([a-z]+)([^`|\n]*)")
OFFERED = {"--with": {"curve-model", "preset"}, "--preset": set(PRESETS)}
"""Options whose values are words of their own; former names still work, but no page says them."""


@pytest.mark.parametrize("page", [*PAGES, *TEMPLATES], ids=lambda page: page.name)
def test_every_command_has_a_verb_and_options_that_exist(page: Path) -> None:
    options = {verb.__name__: set(get_command(app).commands[verb.__name__].params) for verb in VERBS}
    known = {verb: {name for one in some for name in one.opts} for verb, some in options.items()}
    wrong = []
    for line in page.read_text(encoding="utf-8").splitlines():
        for part in line.split("&&"):
            for verb, rest in COMMAND.findall(part.partition(" #")[0]):
                given = set(re.findall(r"(?<=\s)--[a-z-]+", rest)) - {"--help"}
                words = re.findall(r"(--[a-z]+) ([\w-]+)", rest)
                wrong += [part for name, value in words if value not in OFFERED.get(name, {value})]
                wrong += [part for _ in given - known.get(verb, set())] if verb in known else [part]
    assert wrong == []
    assert "--with stand-in" not in page.read_text(encoding="utf-8")


def test_every_preset_is_described() -> None:
    text = (ROOT / "docs" / "presets.md").read_text(encoding="utf-8")
    assert [name for name in PRESETS if f"`{name}`" not in text] == []


def test_the_examples_of_the_python_page_run(class_file, tmp_path, capsys) -> None:
    store = tmp_path / "runs.duckdb"
    stored_run(store)
    names = {"PATH": class_file, "STORE": store}
    text = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    for block in re.findall(r"^```python\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE):
        exec(compile(block, "docs/python.md", "exec"), names)
    told = capsys.readouterr().out
    assert "rank correlation with the true rates" in told
    assert "changed at step 5" in told and "finished at step 8" in told
    assert "40 students, 0 rows left out" in told
    assert "a stored run" in told


def stored_run(path: Path) -> None:
    """A store with one finished run."""
    from gainakt.store import RunFolder, Store, runs_root

    folder = RunFolder.create(runs_root(path), name="a stored run", preset="corrected", config={})
    folder.append({"kind": "finished", "status": "finished", "results": {"test": {"encoder2_auc": 0.7}}})
    folder.close()
    with Store.open(path) as store:
        store.take_in()
