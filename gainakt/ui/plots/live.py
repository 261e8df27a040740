"""A Plotly chart that ticks without losing zoom, hidden legend entries or its place on the page."""

import base64
import functools
import importlib.metadata
import importlib.util
import json
import os
import shutil
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from gainakt.ui.plots.figures import Figure
from gainakt.ui.text import markdown_text

HERE = Path(__file__).parent
_KEPT = 64
"""Charts of which the last figure is kept as it was sent, for ticks and tabs that draw the same one again."""
_sent: OrderedDict[str, tuple[Figure, bytes]] = OrderedDict()


def live_plot(key: str, figure: Figure, revision: str | None = None) -> None:
    """Draw the figure in place; call it again with the same key and a new figure to tick.

    Zoom and hidden legend entries live as long as `revision` (say, the run's id; the key by default) stays the same.
    Reserve its place (st.container, st.columns) before the parts that come and go.
    """
    try:
        file = library_file()
    except OSError as error:
        st.error(f"The chart library cannot be put beside the app: {markdown_text(error)}")
        return
    drawn, content = _sent.get(key, (None, b""))
    if drawn is not figure:
        shown = {"data": figure["data"], "layout": {**figure["layout"], "uirevision": revision or key}}
        base = st.get_option("server.baseUrlPath").strip("/")
        content = packed({"key": key, "file": file, "base": base, "figure": shown})
        _sent[key] = figure, content
        while len(_sent) > _KEPT:
            _sent.popitem(last=False)
    _component()(key=key, data=content)


@functools.cache
def _component() -> Callable[..., Any]:
    return st.components.v2.component(
        "gainakt_live_plot",
        html='<div class="gainakt-plot-slot"></div>',
        css=(HERE / "live.css").read_text(encoding="utf-8"),
        js=(HERE / "live.js").read_text(encoding="utf-8"),
        isolate_styles=False,
    )


def packed(content: Any) -> bytes:
    """Compact JSON, NumPy arrays as Plotly's typed arrays; raises ValueError on a non-finite number outside them."""
    return json.dumps(content, default=_typed, separators=(",", ":"), allow_nan=False).encode()


def _typed(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        little = np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("<"))
        code = f"{little.dtype.kind}{little.dtype.itemsize}"
        shape = {"shape": ",".join(map(str, little.shape))} if little.ndim > 1 else {}
        return {"dtype": code, "bdata": base64.b64encode(little.tobytes()).decode(), **shape}
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} cannot be drawn")


def library_file() -> str:
    """The name of plotly.min.js in the folder that Streamlit serves, copied there from the package if missing."""
    context = get_script_run_ctx()
    folder = Path(context.main_script_path if context else __file__).resolve().parent / "static"
    return _install(folder)


@functools.cache
def _install(folder: Path) -> str:
    target = folder / f"plotly-{importlib.metadata.version('plotly')}.min.js"
    spec = importlib.util.find_spec("plotly")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the package plotly is not installed")
    source = Path(spec.submodule_search_locations[0]) / "package_data" / "plotly.min.js"
    if not target.exists() or target.stat().st_size != source.stat().st_size:
        folder.mkdir(exist_ok=True)
        part = target.with_name(f"{target.name}.{os.getpid()}")
        shutil.copyfile(source, part)
        part.replace(target)
    return target.name
