"""Runs and figures as files, through a real browser: out of one dashboard, into another."""

import pytest
from playwright.sync_api import Page, expect

from tests.pages import write_run

pytestmark = pytest.mark.browser
IMPORT = "Import runs"


def test_a_run_and_its_figures_leave_one_dashboard_and_the_run_enters_another(page: Page, dashboard, tmp_path) -> None:
    run_id = write_run(tmp_path / "a.duckdb", "shared", "finished")
    first = dashboard(tmp_path / "a.duckdb")
    page.goto(f"{first.url}/Run?run={run_id}")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.name == f"run-{run_id}.zip"

    plot = page.locator(".gainakt-plot").first
    plot.locator(".trace").first.wait_for()
    for form, begins in (("PNG", b"\x89PNG"), ("SVG", b"<svg"), ("HTML", b"<!doctype html>")):
        plot.hover()
        with page.expect_download() as download:
            plot.locator(f"[data-title='Download as {form}']").click()
        assert download.value.suggested_filename.endswith(f".{form.lower()}")
        download.value.save_as(tmp_path / f"figure.{form.lower()}")
        assert (tmp_path / f"figure.{form.lower()}").read_bytes().startswith(begins)
    page.goto(f"file://{tmp_path}/figure.html")
    expect(page.locator(".trace").first).to_be_attached()

    other = dashboard(tmp_path / "b.duckdb")
    page.goto(f"{other.url}/Runs")
    page.get_by_text(IMPORT).click()
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text(f"Imported: shared, {run_id}")).to_be_visible()
    page.goto(f"{other.url}/Run?run={run_id}")
    page.get_by_role("tab", name="Configuration").click()
    expect(page.get_by_text(f"python -m gainakt reproduce {run_id}")).to_be_visible()
