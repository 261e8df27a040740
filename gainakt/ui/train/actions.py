"""What can be asked of a run as a whole: stop, pause, resume, branch; and the ways to other runs."""

from functools import partial

import streamlit as st

from gainakt.errors import InputError
from gainakt.jobs import lineage, service
from gainakt.jobs.lineage import Moment
from gainakt.store import Run, RunFolder, Store
from gainakt.ui import resources
from gainakt.ui.forms.fields import settings_form, validated
from gainakt.ui.run import kin
from gainakt.ui.run.recorded import curves_of
from gainakt.ui.text import markdown_text
from gainakt.ui.visitors import owners

BRANCHED = ("weights.variance", "weights.encoder_priority", "training.max_epochs")
"""The settings that a branch offers to change; all live ones can be steered once it trains."""
_WHY = {
    "epoch": "end of epoch {epoch}",
    "mark": "before a change",
    "pause": "where it paused",
    "stop": "where it stopped",
    "branch": "where it branched off",
}
_STOP_HELP = "Ends after the current step, evaluates the best epoch on the test students and saves everything."
_PAUSE_HELP = "Ends after the current step with its state kept. Resuming goes on as if it had never paused."
_BRANCH_HELP = "A new run that goes on from a kept moment of this one, with other settings."


def actions(store: Store, run: Run, pace: float | None) -> None:
    """The buttons of one run, in places that never shift."""
    with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
        if run.active:
            asked = _asked(store, run)
            st.button(
                "Stopping …" if asked == "stop" else "Stop",
                icon=":material/stop:",
                **owners(asked == "stop", _STOP_HELP),
                on_click=partial(_ask, run.run_id, "stop"),
            )
            st.button(
                "Pausing …" if asked == "pause" else "Pause",
                icon=":material/pause:",
                **owners(asked is not None, _PAUSE_HELP),
                on_click=partial(_ask, run.run_id, "pause"),
            )
        else:
            kin.resume(run)
        if not (run.published or run.yardstick):
            _branch(run)
        if st.button("New run", icon=":material/add:", **owners()):
            st.switch_page("pages/1_Train.py", query_params={"new": "1"})
        st.fragment(_others, run_every=pace and 3 * pace)(run.run_id)


def _asked(store: Store, run: Run) -> str | None:
    """Whether the run was asked to stop or to pause since it was last taken up, by whomever."""
    requests = curves_of(store, run.run_id).asked(RunFolder(resources.service().root, run.run_id))
    return next((row["kind"] for row in reversed(requests) if row["kind"] in ("stop", "pause")), None)


def _ask(run_id: str, what: str) -> None:
    ask = {"stop": service.stop, "pause": service.pause}[what]
    ask(resources.service().root, run_id, resources.WHO)


def _others(run_id: str) -> None:
    """Links to the other runs that wait or train, behind one button: they come and go without moving the page."""
    others = [other for other in resources.store().active() if other.run_id != run_id]
    with st.popover(f"Others: {len(others)}", disabled=not others, key=f"others-{run_id}"):
        for other in others:
            st.page_link(
                "pages/1_Train.py",
                label=f"{markdown_text(other.name)}, {other.status}",
                icon=":material/arrow_forward:",
                query_params={"run": other.run_id},
            )


def _branch(run: Run) -> None:
    """The form of a branch, drawn while it is open."""
    with st.popover(
        "Branch",
        icon=":material/call_split:",
        **owners(run.status == "queued", _BRANCH_HELP),
        key=f"branch-{run.run_id}",
        on_change="rerun",
    ) as form:
        if not form.open:
            return
        kept = lineage.kept_moments(resources.service().root, run)
        if not kept:
            st.caption("Nothing to branch from yet: the first moment is kept at the end of the first epoch.")
            return
        moment = st.selectbox(
            "From",
            kept,
            index=len(kept) - 1,
            format_func=moment_label,
            key=f"branch-at-{run.run_id}",
            help="The moments of which the whole state was kept: ends of epochs, before changes, pauses and stops.",
        )
        name = st.text_input(
            "Name", placeholder=f"{run.name}, branched at {moment.step}", max_chars=200, key=f"branch-name-{run.run_id}"
        )
        try:
            base = lineage.config_at(run, moment)
        except InputError as error:
            st.error(markdown_text(error))
            return
        changes = settings_form(base, f"branch.{run.run_id}.{moment.step}", BRANCHED)
        if st.button("Start the branch", type="primary", key=f"branch-go-{run.run_id}") and validated(base, changes):
            try:
                prepared = lineage.branch(resources.service().root, run, moment.step, changes, name.strip())
                branched = resources.service().start(*prepared)
            except InputError as error:
                st.error(markdown_text(error))
                return
            st.switch_page("pages/1_Train.py", query_params={"run": branched})


def moment_label(moment: Moment) -> str:
    """`step 120: end of epoch 3`."""
    return f"step {moment.step:,}: {_WHY.get(moment.why, moment.why).format(epoch=moment.epoch - 1)}"
