"""What a run learned beside the truth of simulated students: a picture of the rates, and the numbers."""

import pandas as pd
import streamlit as st

from gainakt.measures.recovery import NOT_IDENTIFIED
from gainakt.store import Run, Store
from gainakt.ui import tables
from gainakt.ui.plots import figures
from gainakt.ui.plots.figures import Axes, Figure
from gainakt.ui.plots.live import live_plot
from gainakt.ui.text import chart_text

_WHAT = {
    "spearman": "Rank correlation (Spearman)", "pearson": "Correlation (Pearson)", "rmse": "Root mean square error",
    "slope": "Slope of true on learned (1 is ideal)",
}  # fmt: skip
_OF = {
    "effective_rate": "Effective rate", "saturation_over_temperature": "M_sat / T",
    "threshold_over_temperature": "theta / T", "offset": "Offset", "gamma": "gamma", "mastery": "Mastery",
}  # fmt: skip
_SINGLE = {
    "rate_cv": "CV of the learned rates", "true_rate_cv": "CV of the true rates", "rate_skills": "Skills compared",
    "oracle_auc": "AUC of the oracle, which knows the true parameters",
    "oracle_log_loss": "Log-loss of the oracle", "oracle_mastery_correlation": "Mastery correlation, true mastery",
    "oracle_mastery_correlation_by_student": "The same by student", "oracle_interactions": "Interactions compared",
}  # fmt: skip


def recovery(store: Store, run: Run, learned: pd.DataFrame) -> None:
    """True against learned, where the run's data are simulated; `learned` is the run's table of skills."""
    metrics = store.metrics([run.run_id])
    found = metrics[metrics["split"] == "recovery"].set_index("name")["value"]
    if found.empty:
        return
    st.markdown("###### Beside the truth of the simulated students")
    left, right = st.columns(2)
    if "true_rate" in learned:
        with left:
            live_plot(f"recovery-{run.run_id}", rates_figure(learned))
    with right:
        rows = {
            label: {what: found.get(f"{kind}_{name}") for kind, what in _WHAT.items()} for name, label in _OF.items()
        }
        compared = pd.DataFrame.from_dict(rows, orient="index").astype(float).dropna(how="all")
        tables.show(compared.rename_axis("What").reset_index(), widths={"What": 140})
        single = [(label, found.get(name)) for name, label in _SINGLE.items()]
        tables.show(pd.DataFrame(single, columns=["What", "Value"]).astype({"Value": float}), widths={"What": 330})
    st.caption(f"Not compared, since no data can tell: {'; '.join(NOT_IDENTIFIED)}.")


def rates_figure(learned: pd.DataFrame) -> Figure:
    """Learned over true effective rate, a point per skill, and the line where they are equal."""
    known = learned.dropna(subset=["true_rate", "effective_rate"])
    figure: Figure = {"data": [], "layout": figures.base_layout(Axes("Effective rate per skill", height=360), 1)}
    figure["layout"] |= {"xaxis": figures.axis("true rate"), "yaxis": figures.axis("learned rate")}
    if known.empty:
        return figures.empty(figure, "No skill has both rates")
    reach = [float(known["true_rate"].min()), float(known["true_rate"].max())]
    figure["data"] = [
        {"type": "scatter", "mode": "lines", "uid": "equal", "x": figures.floats(reach), "y": figures.floats(reach),
         "line": {"color": figures.NEUTRAL, "dash": "dot", "width": 1}, "hoverinfo": "skip", "name": "equal"},
        {"type": "scatter", "mode": "markers", "uid": "skills", "x": figures.floats(known["true_rate"]),
         "y": figures.floats(known["effective_rate"]), "name": "skill",
         "marker": {"size": 7, "color": figures.color(0)},
         "text": [chart_text(label) for label in known["skill"]],
         "hovertemplate": "%{text}: true %{x:.3f}, learned %{y:.3f}<extra></extra>"},
    ]  # fmt: skip
    return figure
