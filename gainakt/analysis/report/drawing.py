"""One figure of a run as a file: HTML that needs nothing beside it, or SVG or PNG drawn by a browser unseen."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gainakt.analysis.report.figures import Figure, all_figures, element, plain
from gainakt.analysis.report.page import page
from gainakt.errors import InputError, unknown
from gainakt.store import Run, Store
from gainakt.store.facts import gather

_WIDTH = 900
_ENDINGS = (".svg", ".png", ".html")


def draw(store: Store, runs: Sequence[Run], name: str, to: Path) -> dict[str, Any]:
    """Write the figure `name` of a run, with another one beside it where two are given; says which was drawn.

    Raises InputError that lists the figures of the run, or says what is needed to draw.
    """
    ending = to.suffix.lower()
    if ending not in _ENDINGS:
        raise InputError(f"{to}: a figure is written as {', '.join(_ENDINGS)}; end the file's name so")
    if len(runs) > 2:
        raise InputError(f"a figure shows one run, or two; got {len(runs)}")
    facts = [gather(store, run.run_id) for run in runs]
    figures = all_figures(facts[0], facts[1] if len(facts) > 1 else None)
    if name not in figures:
        raise unknown("figure", name, figures)
    if ending == ".html":
        to.write_text(page(f"{name}, {runs[0].name}", element(name, figures[name])), encoding="utf-8")
    else:
        to.write_bytes(_image(figures[name], ending[1:]))
    return {"figure": name, "run_id": runs[0].run_id}


def _image(figure: Figure, form: str) -> bytes:
    import plotly.io

    try:
        drawn = {
            "format": form,
            "width": _WIDTH,
            "height": figure["layout"]["height"],
            "scale": 2 if form == "png" else 1,
        }
        return bytes(plotly.io.to_image(plain(figure), **drawn))
    except (ImportError, ValueError) as error:
        if isinstance(error, ValueError) and "kaleido" not in str(error).lower():
            raise
        raise InputError(
            "SVG and PNG are drawn by Kaleido, which is not installed: pip install kaleido==1.5.0; .html needs none"
        ) from None
    except RuntimeError as error:
        raise InputError(
            f"Kaleido needs Chrome or Chromium and found none that works ({_first_line(error)}); install one, or write"
            " .html"
        ) from None


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
