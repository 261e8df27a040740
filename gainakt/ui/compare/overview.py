"""The compared runs and their verdicts, a row each."""

import pandas as pd
import streamlit as st

from gainakt.analysis.compare import Compared
from gainakt.analysis.compare.measures import BETTER, WORSE
from gainakt.store.entities import WITH_RESULTS
from gainakt.ui import tables
from gainakt.ui.compare.look import Look, coloured
from gainakt.verdict.criteria import QUESTIONS, SIGNS, STANDINGS, STATUSES

_WAYS = {"pass": BETTER, "differentiated": BETTER, "noise": WORSE}
HELP = (
    "By the tests of differentiation; ? where they have not run. They are started on the Diagnosis page. A run that has"
    " not ended has no verdict."
)


def section(comparison: Compared, look: Look) -> None:
    """Name, group, status, verdict lights, best epochs; each run opens with a click."""
    table, ways = lights(comparison, look)
    st.dataframe(
        coloured(table, ways, {}),
        hide_index=True,
        placeholder="–",
        height=tables.fitting(len(table), 560),
        column_config={
            "open": st.column_config.LinkColumn("", display_text="open", width=50),
            "Run": st.column_config.TextColumn("Run", width=230),
            "Group": st.column_config.TextColumn(
                "Group", width=230, help="Runs of a group differ in the seed only.", pinned=False
            ),
            "Verdict": st.column_config.TextColumn("Verdict", width=190, help=HELP),
            "Criteria": st.column_config.TextColumn("Criteria", help="Of the original study, met by this run."),
        },
    )
    st.caption("✓ on blue: passed. ○ on orange: no evidence. ?: not tested. ▸ is the baseline.")


def lights(comparison: Compared, look: Look) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows, and for each light whether it is good."""
    rows, ways = [], []
    for run_id, run in comparison.runs.items():
        verdict = comparison.verdicts[run_id] if run.status in WITH_RESULTS else None
        statuses = {q: verdict.questions[name].status if verdict else None for name, q in QUESTIONS.items()}
        rows.append(
            {
                "open": f"Run?run={run_id}",
                "Run": look.labels[run_id],
                "Group": look.groups[run_id],
                "Status": run.status,
                "Verdict": f"{SIGNS[verdict.standing]} {STANDINGS[verdict.standing]}" if verdict else None,
                **{q: f"{SIGNS[one]} {STATUSES[one]}" if one else None for q, one in statuses.items()},
                "Criteria": f"{verdict.passed} of {len(verdict.criteria)}" if verdict else None,
                "Best epoch, Encoder 1": run.best_encoder1,
                "Best epoch, Encoder 2": run.best_encoder2,
                "Epochs": run.epochs,
            }
        )
        ways.append(
            {
                "Verdict": _WAYS.get(verdict.standing, 0) if verdict else 0,
                **{question: _WAYS.get(one or "", 0) for question, one in statuses.items()},
            }
        )
    whole = dict.fromkeys(("Best epoch, Encoder 1", "Best epoch, Encoder 2", "Epochs"), "Int64")
    return pd.DataFrame(rows).astype(whole), pd.DataFrame(ways)
