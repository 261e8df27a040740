"""The criteria's and questions' statuses: what passes, what is noise, what is untested."""

import math

import pytest

from gainakt.errors import InputError
from gainakt.verdict.criteria import (
    Finding,
    Reference,
    Targets,
    Verdict,
    criterion,
    data_question,
    judge,
    question,
    targets_of,
    untrained,
)

SEED = {"gain_std": 0.10, "encoder2_auc": 0.62, "mastery_correlation": 0.40, "beta_std": 0.3, "skill_gain_cv": 0.20,
        "response_gain_ratio": 1.2}  # fmt: skip
V3 = {"gain_std": 0.00182, "encoder2_auc": 0.5903, "mastery_correlation": 0.039, "beta_std": 0.448,
      "skill_gain_cv": 0.002061, "response_gain_ratio": 0.9996}  # fmt: skip
WORSE = {"value": 0.01, "low": 0.004, "high": 0.02}
NO_WORSE = {"value": 0.001, "low": -0.002, "high": 0.004}


def found(decision: str) -> Finding:
    return data_question({
        "question": "skills", "free_minus_tied": {"value": 0.02, "low": 0.01, "high": 0.03},
        "halves": {"r": 0.7, "low": 0.5, "high": 0.8}, "bootstrap": {"p": 0.01, "n": 100, "statistic": 0.4},
        "decision": decision,
    })  # fmt: skip


def test_the_defaults_are_the_original_studys_and_its_run_meets_one_of_six() -> None:
    assert Targets().model_dump() == SEED
    judged = judge(V3, Targets(), {})
    assert [name for name, finding in judged.items() if finding.status == "pass"] == ["beta_std"]
    assert {finding.status for finding in judged.values()} == {"pass", "fail"}


@pytest.mark.parametrize(
    ("value", "reference", "status"),
    [
        (0.41, None, "pass"), (0.40, None, "fail"), (0.3, None, "fail"), (None, None, "fail"),
        (0.3, Reference(0.5, "the oracle", True), "fail"),
        (0.3, Reference(0.35, "the oracle", True), "above_reference"),
        (None, Reference(0.35, "Encoder 1"), "above_reference"),
        (0.41, Reference(0.35, "Encoder 1"), "pass"),
    ],
)  # fmt: skip
def test_a_criterion_passes_fails_or_asks_for_more_than_is_known(
    value: float | None, reference: Reference | None, status: str
) -> None:
    judged = criterion(value, 0.40, reference)
    assert (judged.status, judged.value, judged.target) == (status, value, 0.40)
    if status == "above_reference":
        assert reference is not None
        assert ("true ceiling" if reference.ceiling else "best known reference") in judged.text


@pytest.mark.parametrize(
    ("data", "own", "no_training", "status"),
    [
        (data_question(None), None, "", "untested"),
        (data_question(None), WORSE, "", "untested"),
        (data_question(None), NO_WORSE, "", "noise"),
        (found("pass"), None, "", "untested"),
        (found("pass"), WORSE, "", "pass"),
        (found("pass"), WORSE | {"carried": 0.98}, "", "pass"),
        (found("pass"), WORSE | {"carried": 0.06}, "", "noise"),
        (found("pass"), NO_WORSE, "", "noise"),
        (found("noise"), WORSE, "", "noise"),
        (found("noise"), None, "", "noise"),
        (found("pass"), WORSE, untrained(0, 0), "noise"),
    ],
)
def test_a_run_passes_only_by_its_own_account_on_data_that_pass(
    data: Finding, own: dict[str, float] | None, no_training: str, status: str
) -> None:
    assert question(data, own, no_training).status == status


@pytest.mark.parametrize(
    ("epochs", "best", "trained"), [(0, 0, False), (None, None, False), (3, 0, False), (3, 2, True)]
)
def test_no_epochs_are_never_enough(epochs: int | None, best: int | None, trained: bool) -> None:
    assert (untrained(epochs, best) == "") == trained


def test_differentiated_is_true_only_if_both_questions_pass_and_never_null() -> None:
    good, bad = question(found("pass"), WORSE, ""), question(found("pass"), None, "")
    for skills, response, whole in ((good, good, True), (good, bad, False), (bad, good, False), (bad, bad, False)):
        verdict = Verdict(
            judge(V3, Targets(), {}), {"skills_differ": skills, "response_matters": response},
            {"skills_differ": found("pass"), "response_matters": found("noise")},
        )  # fmt: skip
        told = verdict.as_json()
        assert told["differentiated"] is whole
        assert list(told["verdict"]) == [*SEED, "skills_differ", "response_matters"]
        assert all(set(one) == {"value", "target", "status", "evidence"} for one in told["verdict"].values())
        assert (told["data_skills_differ"]["status"], told["data_response_matters"]["status"]) == ("pass", "noise")


def test_targets_are_set_by_name_and_what_is_wrong_is_said() -> None:
    assert targets_of({"gain_std": "0.2"}).gain_std == 0.2
    for changes, says in (({"gain": "1"}, "unknown criterion 'gain'; known: gain_std"), ({"gain_std": "x"}, "gain_std"),
                          ({"gain_std": math.inf}, "gain_std")):  # fmt: skip
        with pytest.raises(InputError, match=says):
            targets_of(changes)
