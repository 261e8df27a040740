"""Where GAINAKT_ALLOWED lists who may enter, all others see a button to log in and nothing else."""

import ast
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from gainakt.ui.entry import ALLOWED
from tests.pages import PAGES, ROOT, write_run

ADA = {"is_logged_in": True, "email": "Ada@Example.org"}


def drawn(page: str, user: dict[str, Any]) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app = app if page == "app.py" else app.switch_page(page)
    app.user = user
    return app.run()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_begins_with_what_asks_for_the_login(page: str) -> None:
    body = ast.parse((ROOT / page).read_text(encoding="utf-8")).body
    calls = [one for one in body if not isinstance(one, ast.Import | ast.ImportFrom | ast.Assign)][1:]
    assert ast.unparse(calls[0]).startswith("frame.page(")


@pytest.mark.parametrize("page", ["app.py", "pages/3_Run.py"])
def test_who_is_not_logged_in_sees_nothing(page: str, page_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_run(page_store, "a secret name", "finished")
    monkeypatch.setenv(ALLOWED, "ada@example.org")
    app = drawn(page, {"is_logged_in": False})
    assert [button.label for button in app.button] == ["Log in"]
    assert "secret" not in str(app) and [text.value for text in app.markdown] == ["This dashboard asks who you are."]


@pytest.mark.parametrize(
    ("user", "listed", "enters"),
    [
        (ADA, "eve@example.org, ada@example.org", True),
        (ADA, "eve@example.org", False),
        (ADA, "", False),
        (ADA | {"email_verified": False}, "ada@example.org", False),
        ({"is_logged_in": True}, "ada@example.org", False),
        ({"email": "ada@example.org"}, "ada@example.org", False),
    ],
)
def test_only_who_is_listed_enters(
    user: dict[str, Any], listed: str, enters: bool, page_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ALLOWED, listed)
    app = drawn("app.py", user)
    assert bool(app.title or len(app.button) > 1) == enters
