"""The link of the Compare page: what is chosen stands in it, so that another browser shows the same view."""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

_KEY = "compare."


def runs(options: dict[str, str], default: Sequence[str]) -> list[str]:
    """The choice of runs (run id -> label): those that `?runs=` names, else `default`."""
    key = f"{_KEY}runs"
    if key not in st.session_state:
        st.session_state[key] = list(default)
    picked: list[str] = st.multiselect(
        "Runs", list(options), format_func=options.__getitem__, key=key, wrap=False, placeholder="Choose two or more"
    )
    if st.query_params.get("runs") != ",".join(picked):
        st.query_params["runs"] = ",".join(picked)
    return picked


def choice(name: str, options: Sequence[str], label: str, shown: Callable[[str], str] = str, **more: Any) -> str:
    """One of the options, the first by default, as a list to choose from."""
    _settle(name, options, options[0])
    return _kept(name, st.selectbox(label, options, format_func=shown, key=_KEY + name, **more), options[0])


def one_of(name: str, options: Sequence[str], label: str, shown: Callable[[str], str] = str, **more: Any) -> str:
    """One of a few options, the first by default, all of them in sight."""
    _settle(name, options, options[0])
    picked = st.segmented_control(label, options, format_func=shown, key=_KEY + name, required=True, **more)
    return _kept(name, picked or options[0], options[0])


def other(run_ids: Sequence[str], labels: dict[str, str]) -> str:
    """The run that stands beside the baseline where two are looked at closely; the only one there is, if so."""
    if len(run_ids) == 1:
        return run_ids[0]
    return choice("other", run_ids, "B, compared with the baseline A", labels.__getitem__)


def switch(name: str, label: str, on: bool, **more: Any) -> bool:
    """Yes or no."""
    default = "yes" if on else "no"
    _settle(name, ("yes", "no"), default, lambda text: text == "yes")
    value = st.toggle(label, key=_KEY + name, **more)
    _kept(name, "yes" if value else "no", default)
    return bool(value)


def amount(name: str, label: str, **more: Any) -> float:
    """A number between 0 and 0.95 in steps of 0.05, 0 by default."""
    steps = [f"{step / 20:g}" for step in range(20)]
    _settle(name, steps, "0", float)
    value = st.slider(label, 0.0, 0.95, step=0.05, key=_KEY + name, **more)
    _kept(name, f"{value:g}", "0")
    return float(value)


def several(name: str, options: Sequence[str], default: Sequence[str], label: str, **more: Any) -> list[str]:
    """Some of the options."""
    given = [one for one in st.query_params.get(name, "").split(",") if one in options]
    key = _KEY + name
    kept = [one for one in st.session_state.get(key, given or default) if one in options]
    if st.session_state.get(key) != kept:
        st.session_state[key] = kept
    picked: list[str] = st.multiselect(label, options, key=key, wrap=False, **more)
    _kept(name, ",".join(picked), ",".join(default))
    return picked


def _settle(name: str, allowed: Sequence[str], default: str, parsed: Callable[[str], Any] = str) -> None:
    """Take the value from the link before the control is drawn, and again where the drawn one is not allowed any more.

    The control's own arguments stay as they are: with another default it would be remade and lose the focus.
    """
    key = _KEY + name
    values = [parsed(one) for one in allowed]
    if st.session_state.get(key) not in values:
        linked = st.query_params.get(name, "")
        st.session_state[key] = parsed(linked if linked in allowed else default)


def _kept(name: str, value: str, default: str) -> str:
    """Write the value into the link; a default leaves it."""
    if value != default:
        if st.query_params.get(name) != value:
            st.query_params[name] = value
    elif name in st.query_params:
        del st.query_params[name]
    return value


@st.cache_resource(show_spinner=False)
def _copier() -> Callable[..., Any]:
    script = """export default function ({ parentElement }) {
      const button = parentElement.querySelector("button");
      button.onclick = async () => {
        try { await navigator.clipboard.writeText(location.href); }
        catch { window.prompt("The link to this view:", location.href); return; }
        button.textContent = "Copied";
        setTimeout(() => { button.textContent = "Copy link"; }, 1500);
      };
    }"""
    css = """button { font: inherit; color: var(--st-text-color); background: transparent; cursor: pointer; width: 100%;
      border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius); height: 2.5rem; }
      button:hover { color: var(--st-primary-color); border-color: var(--st-primary-color); }"""
    return st.components.v2.component(
        "gainakt_copy_link", html='<button type="button">Copy link</button>', css=css, js=script
    )


def copy_button() -> None:
    """A button that copies the address of this view."""
    _copier()(key="copy-link")
