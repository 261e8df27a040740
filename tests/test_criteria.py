"""The status of criteria and questions: what passes, what has no evidence, what is not tested."""

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
    run_question,
    targets_of,
    untrained,
)

SEED = {"gain_std": 0.10, "encoder2_auc": 0.62, "mastery_correlation": 0.40, "beta_std": 0.3, "skill_gain_cv": 0.20,
        "response_gain_ratio": 1.2}  # fmt: skip
V3 = {"gain_std": 0.00182, "encoder2_auc": 0.5903, "mastery_correlation": 0.039, "beta_std": 0.448,
      "skill_gain_cv": 0.002061, "response_gain_ratio": 0.9996}  # fmt: skip
WORSE = {"value": 0.01, "low": 0.004, "high": 0.02}
NO_WORSE = {"value": 0.001, "low": -0.002, "high": 0.004}


def data_deciding(decision: str) -> Finding:
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
        (data_deciding("pass"), None, "", "untested"),
        (data_deciding("pass"), WORSE, "", "pass"),
        (data_deciding("pass"), WORSE | {"carried": 0.98}, "", "pass"),
        (data_deciding("pass"), WORSE | {"carried": 0.06}, "", "noise"),
        (data_deciding("pass"), NO_WORSE, "", "noise"),
        (data_deciding("noise"), WORSE, "", "noise"),
        (data_deciding("noise"), None, "", "noise"),
        (data_deciding("pass"), WORSE, untrained(0, 0), "noise"),
    ],
)
def test_a_run_passes_only_if_it_and_its_data_do(
    data: Finding, own: dict[str, float] | None, no_training: str, status: str
) -> None:
    assert run_question("skills", data, own, no_training).status == status


@pytest.mark.parametrize(
    ("epochs", "best", "trained"), [(0, 0, False), (None, None, False), (3, 0, False), (3, 2, True)]
)
def test_no_epochs_are_never_enough(epochs: int | None, best: int | None, trained: bool) -> None:
    assert (untrained(epochs, best) == "") == trained


def test_differentiated_is_true_only_if_both_questions_pass_and_never_null() -> None:
    good, bad = (run_question("skills", data_deciding("pass"), own, "") for own in (WORSE, None))
    for skills, response, whole in ((good, good, True), (good, bad, False), (bad, good, False), (bad, bad, False)):
        verdict = Verdict(
            judge(V3, Targets(), {}), {"skills_differ": skills, "response_matters": response},
            {"skills_differ": data_deciding("pass"), "response_matters": data_deciding("noise")},
        )  # fmt: skip
        as_json = verdict.as_json()
        assert as_json["differentiated"] is whole
        assert list(as_json["verdict"]) == [*SEED, "skills_differ", "response_matters"]
        assert all(set(one) == {"value", "target", "status", "evidence"} for one in as_json["verdict"].values())
        assert (as_json["data_skills_differ"]["status"], as_json["data_response_matters"]["status"]) == (
            "pass",
            "noise",
        )


def test_targets_are_set_by_name_and_what_is_wrong_is_said() -> None:
    assert targets_of({"gain_std": "0.2"}).gain_std == 0.2
    with pytest.raises(InputError, match=r"unknown criterion 'gain'.*known: gain_std"):
        targets_of({"gain": "1"})


@pytest.mark.parametrize("value", [2.0, "-1", "x", None, math.inf, math.nan])
def test_a_target_that_is_not_allowed_is_named_with_its_range_and_its_value(value: object) -> None:
    with pytest.raises(InputError) as error:
        targets_of({"encoder2_auc": value})
    assert str(error.value) == f"encoder2_auc: choose a number from 0 to 1; got {value!r}"


def test_evidence_says_what_changes_the_log_loss_and_by_how_much() -> None:
    rise = "Replacing the run's rates by their mean raises held-out log-loss by 0.01 nats [0.004, 0.02]"
    for own, text in (
        (WORSE, f"{rise}. Data: One rate for all skills raises held-out log-loss by 0.02 nats [0.01, 0.03]. "),
        (WORSE | {"low": -0.004}, "raises held-out log-loss by 0.01 nats [-0.004, 0.02], which may be chance."),
        (WORSE | {"value": -0.01}, "raise held-out log-loss (-0.01 nats"),
        (WORSE | {"carried": 0.32}, "The run's predictions use 32% of the information in its practice."),
        (WORSE | {"carried": -0.1}, "worse than a constant for each skill"),
        (
            WORSE | {"size": 0.1},
            f"{rise}. But its CV of rates is 0.10, less than a third of the 0.60 in the data: real, but too small",
        ),
        (None, "This run has not been tested."),
    ):
        data = data_deciding("pass")
        data.evidence["size"] = 0.6
        assert text in run_question("skills", data, own, "").text
    assert (
        "But the data show no evidence of a difference."
        in run_question("skills", data_deciding("noise"), WORSE, "").text
    )
    assert "Parametric bootstrap: p = 0.01 (100 replicates)." in data_deciding("pass").text


@pytest.mark.parametrize(("data", "status"), [("pass", "untested"), ("noise", "noise")])
def test_a_run_without_known_rates_cannot_be_tested(data: str, status: str) -> None:
    own = {"value": None, "low": None, "high": None, "size": None, "carried": 0.9}
    finding = run_question("skills", data_deciding(data), own, "")
    assert finding.status == status
    assert status == "noise" or finding.text.startswith("Fewer than two skills have an effective rate")
