"""The section Skill model: KC models compared, items that do not fit, skills to split or to merge."""

import pandas as pd
import streamlit as st

from gainakt.analysis.learning import sentences
from gainakt.config import DataConfig
from gainakt.jobs.learning import Study
from gainakt.store import Store
from gainakt.ui import tables
from gainakt.ui.learning import choice
from gainakt.ui.text import markdown_text

_VERDICTS = {
    "other_skill": "fits another skill better",
    "harder": "harder than its skill",
    "easier": "easier than its skill",
    "fits": "fits",
}
_SHOWN = 1000
_BIC = {
    "splits": "Below 0 speaks for the split.",
    "merges": "Below 0: one skill does as well, with two parameters fewer; that both are one is not shown.",
}
_ITEM_COLUMNS = (
    "item", "skill", "verdict", "better", "gain", "responses", "share_correct", "expected", "shift", "z",
)  # fmt: skip


def section(store: Store, study: Study, config: DataConfig) -> None:
    """The comparison and the candidates, once they are computed."""
    found = choice.examined(config)
    if found is None:
        return
    st.markdown("##### Skill models (KC models) of the file")
    for sentence in sentences.of_models(found.models):
        st.markdown(sentence)
    _models(found.models)
    if found.missing:
        st.info(f"{markdown_text(found.missing[:1].upper() + found.missing[1:])}.", icon=":material/info:")
    if found.items is not None:
        _items(found.items, study.data.name)
    if found.splits is not None or found.merges is not None:
        _candidates(found.splits, found.merges)


def _models(table: pd.DataFrame) -> None:
    number = st.column_config.NumberColumn
    criteria = ["log_likelihood", "aic", "bic"]
    st.dataframe(
        table.assign(**{name: table[name].round(1) for name in criteria}),
        hide_index=True,
        placeholder="–",
        key="learning.models",
        height=tables.fitting(len(table), 320),
        column_order=[name for name in table.columns if name != "same_responses"],
        column_config={
            "model": st.column_config.TextColumn("Model", width=200),
            "skills": number("Skills", format="localized"),
            "responses": number("Responses", format="localized", help="Those with a skill in this model."),
            "parameters": number("Parameters", format="localized", help="One per student, two per skill."),
            "log_likelihood": number("Log-likelihood", format="localized", help="In nats; AFM, no falling slopes."),
            "aic": number("AIC", format="localized", help="2 parameters − 2 log-likelihood; lower is better."),
            "bic": number("BIC", format="localized", help="ln(responses) × parameters − 2 log-likelihood; as AIC."),
            "rmse_student": number(
                "RMSE, new students", format="%.4f", help="Root mean square error on students that the fit has not"
                " seen, threefold; lower is better."
            ),
            "rmse_item": number(
                "RMSE, new items", format="%.4f", help="Root mean square error on items that the fit has not seen,"
                " threefold; lower is better."
            ),
        },
    )  # fmt: skip
    st.caption(
        "AFM as DataShop fits it: a level per student with a standard normal prior, an easiness and a slope per skill."
    )


def _items(table: pd.DataFrame, name: str) -> None:
    st.markdown("##### Items that do not fit their skill")
    if table.empty:
        st.info("No item has 20 responses, the fewest by which one is judged.", icon=":material/info:")
        return
    for sentence in sentences.of_items(table):
        st.markdown(sentence)
    order = list(_VERDICTS)
    shown = table.assign(
        rank=table["verdict"].map(order.index), size=-table["gain"].clip(lower=0), off=-table["z"].abs()
    )
    shown = shown.sort_values(["rank", "size", "off"], kind="stable").drop(columns=["rank", "size", "off"])
    number = st.column_config.NumberColumn
    st.dataframe(
        shown.head(_SHOWN).assign(verdict=shown["verdict"].map(_VERDICTS)),
        hide_index=True,
        placeholder="–",
        key="learning.items",
        height=tables.fitting(len(shown), 320),
        column_order=list(_ITEM_COLUMNS),
        column_config={
            "item": st.column_config.TextColumn("Item", width=200),
            "skill": st.column_config.TextColumn("Skill", width=140),
            "verdict": st.column_config.TextColumn("It", width=170, help="Corrected for the number of comparisons."),
            "better": st.column_config.TextColumn("Better with", width=140, help="The skill whose practice explains the"
                                                  " responses better, the item's own difficulty aside."),
            "gain": number("Gain", format="%.1f", help="In log-likelihood with that skill's practice in place of its"
                           " own; below 0: none is better."),
            "responses": number("Responses", format="localized"),
            "share_correct": number("Correct", format="%.2f"),
            "expected": number("Expected", format="%.2f", help="Share correct that AFM expects of its skill."),
            "shift": number("Shift", format="%+.2f", help="In logits; below 0: harder than its skill."),
            "z": number("z", format="%+.1f", help="The shift over its standard error."),
        },
    )  # fmt: skip
    tables.download(shown, f"{name}-items", "learning-items")


def _candidates(splits: pd.DataFrame | None, merges: pd.DataFrame | None) -> None:
    st.markdown("##### Skills to split, skills to merge")
    for sentence in sentences.of_candidates(splits, merges):
        st.markdown(sentence)
    places = iter(st.columns(2))
    if splits is not None:
        with next(places):
            shown = splits.assign(first=splits["first"].map(", ".join), second=splits["second"].map(", ".join))
            _pairs(shown, "splits", ("Harder items", "Easier items"))
    if merges is not None and (merges["bic"] < 0).any():
        with next(places):
            _pairs(merges[merges["bic"] < 0], "merges", ("Skill", "With"))
    st.caption(
        "Gain: change of the log-likelihood when easiness and slope are fitted anew and practice is counted anew, the"
        " students' levels kept. Candidates to look at, not findings: a split by difficulty alone gains, too."
    )


def _pairs(table: pd.DataFrame, key: str, names: tuple[str, str]) -> None:
    number = st.column_config.NumberColumn
    st.dataframe(
        table,
        hide_index=True,
        key=f"learning.{key}",
        height=tables.fitting(len(table), 320),
        column_config={
            "skill": st.column_config.TextColumn("Skill", width=120),
            "items": number("Items", width=60),
            "gain": number("Gain", format="%+.1f", width=70, help="In log-likelihood."),
            "bic": number("BIC change", format="%+.1f", width=90, help=_BIC[key]),
            "first": st.column_config.TextColumn(names[0], width=140),
            "second": st.column_config.TextColumn(names[1], width=140),
        },
    )
