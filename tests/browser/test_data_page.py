"""The first ten minutes in a real browser: upload a broken file, read the report, mend the mapping, train."""

import csv
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from gainakt.store import open_for_reading

pytestmark = pytest.mark.browser

SLOW = 60_000
"""Milliseconds for what trains or evaluates: a shared machine may be many times slower than an idle one."""
BAD = (("p1", "adding", "maybe"), ("", "adding", "1"), ("p2", "", "1"), ("p2", "adding", "=1+1"))
DRAWN = """(title) => [...document.querySelectorAll(".gainakt-plot")].some((plot) =>
  (plot.layout?.title?.text ?? "").startsWith(title) && plot._fullData?.[0]?.x?.length > 0)"""


def broken_file(folder: Path) -> Path:
    """Sixty pupils on three topics under headers that nobody knows, and four bad rows."""
    draw = random.Random(0)
    rows = [(f"p{i}", draw.choice(("adding", "<b>times</b>", "halves")), str(int(draw.random() < 0.6)))
            for i in range(60) for _ in range(12)]  # fmt: skip
    for place, row in enumerate(BAD):
        rows.insert(20 * place, row)
    path = folder / "my class.csv"
    with path.open("w", newline="") as stream:
        csv.writer(stream, delimiter=";").writerows([("who", "what", "mark"), *rows])
    return path


def tile(page: Page, label: str) -> Locator:
    return page.get_by_test_id("stMetric").filter(has_text=label).get_by_test_id("stMetricValue").first


def map_column(page: Page, label: str, column: str) -> None:
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=column, exact=True).click()


def test_upload_mend_and_train(page: Page, dashboard: Callable[..., Any], tmp_path: Path) -> None:
    path = broken_file(tmp_path)
    served = dashboard()
    page.goto(served.url)
    page.get_by_role("button", name="Choose data").click()
    page.get_by_role("radio", name="Upload").click()
    page.locator("input[type=file]").set_input_files(path)
    expect(page.get_by_text("missing column(s) for student, skill, response")).to_be_visible()

    map_column(page, "Student column", "who")
    map_column(page, "Skill column", "what")
    map_column(page, "Response column", "mark")
    expect(tile(page, "Interactions")).to_have_text("720")
    expect(tile(page, "Rows left out")).to_have_text("4")
    page.wait_for_function(DRAWN, arg="Interactions per student")
    page.get_by_role("tab", name="Left out (4)").click()
    panel = page.get_by_role("tabpanel", name="Left out (4)")
    panel.get_by_test_id("stDataFrame").hover()
    expect(panel.get_by_role("button", name="Search")).to_be_visible()
    with page.expect_download() as download:  # one button of that name: the table's own leaves formulas as they are
        panel.get_by_role("button", name="Download as CSV").click()
    with open(download.value.path(), newline="") as stream:
        left_out = [(row["row"], row["column"], row["value"]) for row in csv.DictReader(stream)]
    assert left_out == [("2", "mark", "maybe"), ("22", "who", ""), ("42", "what", ""), ("62", "mark", "'=1+1")]
    page.get_by_role("tab", name="Skills").click()
    find = page.get_by_role("textbox", name="Find a skill")
    find.fill("<b>")
    find.press("Enter")
    page.wait_for_function("document.querySelectorAll('.gainakt-plot .annotation-text').length === 1")
    expect(page.get_by_text("The chart cannot be drawn")).to_have_count(0)

    page.get_by_role("button", name="Train on this data").click()
    expect(page.get_by_text("my-class: 60 students, 720 interactions, 3 skills")).to_be_visible()
    epochs = page.get_by_role("spinbutton", name="Max epochs")
    epochs.fill("2")
    epochs.press("Enter")
    expect(page.get_by_text(re.compile("Max epochs: 15 → 2"))).to_be_visible()
    page.get_by_role("button", name="Start training").click()
    expect(tile(page, "Status")).to_have_text("finished", timeout=SLOW)
    run_id = page.url.split("run=")[1].split("&")[0]
    with open_for_reading(served.store) as reading:
        run = reading.run(run_id)
    assert run.data["interactions"] == 720 and run.data["rejected"] == 4
    kept = Path(run.config["data"]["path"])
    assert kept.is_relative_to(served.store.parent / "uploads") and kept.read_bytes() == path.read_bytes()

    page.goto(f"{served.url}/Data")
    page.get_by_role("radio", name="Used before").click()
    expect(tile(page, "Interactions")).to_have_text("720")
    expect(page.get_by_test_id("stException")).to_have_count(0)
