"""Which page of a long list is shown."""

from typing import Any


def page_of(place: Any, count: int, panels: int, key: str) -> int:
    """A box for the page of `count` skills, `panels` on each; the page from 0 on.

    What changes the list, such as its order or a search, belongs in the key: another list begins at its first page.
    """
    pages = max(1, -(-count // panels))
    return int(place.number_input(f"Page of {pages}", 1, pages, key=key, help=f"{panels} skills on each.")) - 1
