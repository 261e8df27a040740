"""The verdict on saved runs: what is known, whose references, and what the command line says."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gainakt.analysis.insight import examine, next_config, states
from gainakt.config import changed
from gainakt.config.presets import preset
from gainakt.store import RunFolder, Store
from gainakt.verdict.criteria import standing, targets_of
from gainakt.verdict.judge import as_json
from tests.command import gainakt

TEST = {"encoder1_auc": 0.72, "encoder2_auc": 0.68, "mastery_correlation": 0.28, "mastery_correlation_by_student": 0.2,
        "gain_std": 0.3, "skill_gain_cv": 0.4, "response_gain_ratio": 3.0, "beta_std": 0.1,
        "encoder1_correlation": 0.36}  # fmt: skip
ORACLE = {"oracle_auc": 0.80, "oracle_mastery_correlation": 0.53, "oracle_mastery_correlation_by_student": 0.3}


def result(decision: str) -> dict[str, Any]:
    return {"question": "skills", "free_minus_tied": {"value": 0.02, "low": 0.01, "high": 0.03},
            "halves": {"r": 0.7, "low": 0.5, "high": 0.8}, "bootstrap": {"p": 0.01, "n": 100, "statistic": 0.4},
            "size": 0.6, "decision": decision}  # fmt: skip


def own(low: float) -> dict[str, float]:
    return {"value": low + 0.01, "low": low, "high": low + 0.02}


class Runs:
    """Runs written into a store's inbox, as trainings and later jobs write them."""

    def __init__(self, root: Path):
        self.root, self.store = root, Store.open(":memory:", runs=root)

    def add(self, epochs: int = 5, recovery: bool = False, fingerprint: str = "f", **test: float) -> str:
        config = changed(preset("without-level"), {})
        with RunFolder.create(self.root, name="a run", preset="corrected", config=config.model_dump()) as folder:
            folder.append({"kind": "started", "device": "cpu", "versions": {}, "skills": ["a", "b"], "parameters": 9,
                           "data": {"name": "demo", "fingerprint": fingerprint, "share_correct": 0.7, "students": 30},
                           "steps_per_epoch": 10, "max_epochs": epochs})  # fmt: skip
            results = {"test": TEST | test} | ({"recovery": ORACLE} if recovery else {})
            folder.append({"kind": "finished", "status": "finished", "reason": "all epochs done", "step": 10 * epochs,
                           "epochs": epochs, "best_epoch": {"encoder1": epochs, "encoder2": epochs}, "seconds": 1.0,
                           "train_interactions_per_second": 1.0, "results": results, "skills": []})  # fmt: skip
        self.store.take_in()
        return folder.run_id

    def tell(self, run_id: str, **row: Any) -> None:
        with RunFolder(self.root, run_id) as folder:
            folder.append({"kind": "tested", "with": "stand-in", "seconds": 3.0, **row})
        self.store.take_in()

    def statuses(self, run_id: str) -> dict[str, str]:
        told = as_json(self.store, run_id)
        found = {name: finding["status"] for name, finding in told["verdict"].items()}
        return found | {name: told[name]["status"] for name in told if name.startswith("data_")}

    def differentiated(self, run_id: str) -> bool:
        answer = as_json(self.store, run_id)["differentiated"]
        assert isinstance(answer, bool)
        return answer


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    made = Runs(tmp_path / "x.runs")
    yield made
    made.store.close()


PASS = {"data": {"skills": result("pass"), "response": result("pass")}}
NOISE = {"data": {"skills": result("noise"), "response": result("pass")}}
GOOD = {"own": {"skills": own(0.001), "response": own(0.002)}}
SMALL = {"own": {"skills": own(0.001) | {"size": 0.19}, "response": own(0.002) | {"size": 0.5}}}
BAD = {"own": {"skills": own(-0.02), "response": own(0.002)}}


def test_a_run_is_untested_until_it_is_tested_and_its_data_stand_apart(runs: Runs) -> None:
    one, other, elsewhere = runs.add(), runs.add(), runs.add(fingerprint="g")
    assert runs.statuses(one)["skills_differ"] == "untested" and not runs.differentiated(one)
    runs.tell(one, **PASS, **GOOD)
    assert runs.differentiated(one)
    assert runs.statuses(other) | {"data_skills_differ": "pass", "skills_differ": "untested"} == runs.statuses(other)
    assert runs.statuses(elsewhere)["data_skills_differ"] == "untested"
    assert not runs.differentiated(other) and not runs.differentiated(elsewhere)


@pytest.mark.parametrize(
    ("data", "account", "epochs"),
    [(PASS, BAD, 5), (PASS, SMALL, 5), (NOISE, GOOD, 5), (PASS, GOOD, 0)],
    ids=["own", "small", "data", "epochs"],
)
def test_traps_are_not_differentiated(runs: Runs, data: dict[str, Any], account: dict[str, Any], epochs: int) -> None:
    run_id = runs.add(epochs)
    runs.tell(run_id, **data, **account)
    assert runs.statuses(run_id)["skills_differ"] == "noise" and not runs.differentiated(run_id)


def test_the_newest_test_counts_and_the_runs_preset_before_the_learning_curve_model(runs: Runs) -> None:
    run_id = runs.add()
    runs.tell(run_id, **PASS, **GOOD)
    runs.tell(run_id, **PASS, **BAD)
    assert not runs.differentiated(run_id)
    runs.tell(run_id, **{**PASS, "with": "preset"}, **GOOD)
    runs.tell(run_id, **NOISE)
    assert runs.statuses(run_id)["data_skills_differ"] == "pass" and runs.differentiated(run_id)


@pytest.mark.parametrize(
    ("statuses", "stands"),
    [(("pass", "pass"), "differentiated"), (("pass", "untested"), "untested"), (("untested", "noise"), "noise")],
)
def test_one_question_that_is_noise_decides_and_one_that_is_untested_leaves_it_open(statuses, stands) -> None:
    assert standing(statuses) == stands


def test_what_another_run_s_preset_finds_does_not_speak_of_a_run_s_data(runs: Runs) -> None:
    one, other = runs.add(), runs.add()
    runs.tell(one, **{**NOISE, "with": "preset"}, **GOOD)
    assert runs.statuses(other)["data_skills_differ"] == "untested"
    runs.tell(one, **PASS, **GOOD)
    assert runs.statuses(other)["data_skills_differ"] == "pass" and runs.statuses(one)["data_skills_differ"] == "noise"


def test_targets_above_what_is_known_are_marked_so(runs: Runs) -> None:
    real = runs.add()
    assert runs.statuses(real)["mastery_correlation"] == "above_reference"
    told = as_json(runs.store, real)
    assert told["verdict"]["mastery_correlation"]["evidence"]["reference_is"] == "Encoder 1 of this run"
    better = runs.add(mastery_correlation=0.45)
    assert runs.statuses(real)["mastery_correlation"] == "fail"
    told = as_json(runs.store, real)["mastery_correlations"]
    assert told["mastery_correlation"]["reference_is"] == f"Encoder 2 of run {better}"
    assert set(told) == {f"mastery_correlation{form}" for form in ("", "_by_student", "_seed_form", "_concurrent")}
    simulated = runs.add(recovery=True, fingerprint="s")
    assert runs.statuses(simulated)["mastery_correlation"] == "fail"
    asked = targets_of({"mastery_correlation": 0.6, "encoder2_auc": 0.9})
    judged = as_json(runs.store, simulated, asked)["verdict"]
    assert {name: judged[name]["status"] for name in asked.model_dump()} == {
        "gain_std": "pass", "encoder2_auc": "above_reference", "mastery_correlation": "above_reference",
        "beta_std": "fail", "skill_gain_cv": "pass", "response_gain_ratio": "pass",
    }  # fmt: skip
    assert "true ceiling" in judged["encoder2_auc"]["evidence"]["text"]


def test_the_next_configuration_keeps_the_data_and_replicates_what_is_differentiated(runs: Runs) -> None:
    run_id = runs.add()
    chosen = next_config(examine(runs.store, run_id))
    assert chosen.weights.variance == 200.0 and chosen.data == preset("without-level").data
    runs.tell(run_id, **PASS, **GOOD)
    again = next_config(examine(runs.store, run_id))
    assert (again.training.seed, again.weights.variance) == (1, 0.0)


def test_states_are_read_before_training_and_at_the_best_epoch(runs: Runs) -> None:
    run_id = runs.add()
    with RunFolder(runs.root, run_id) as folder:
        for epoch, past in ((0, 0.2), (5, 0.9)):
            folder.append({"kind": "step", "step": epoch, "epoch": epoch, "values": {"state.curve_past": past}})
    runs.store.take_in()
    assert states(examine(runs.store, run_id).facts) == ({"curve_past": 0.9}, {"curve_past": 0.2})


def test_the_command_line_says_it(runs: Runs, tmp_path: Path) -> None:
    run_id = runs.add()
    runs.tell(run_id, **PASS, **GOOD)
    store = ("--store", tmp_path / "x.duckdb")
    told = json.loads(gainakt("verdict", run_id, "--json", *store).stdout.splitlines()[-1])
    assert told["differentiated"] is True and told["verdict"]["gain_std"]["target"] == 0.1
    told = json.loads(gainakt("verdict", run_id, "--set", "gain_std=0.4", "--json", *store).stdout.splitlines()[-1])
    assert told["verdict"]["gain_std"]["status"] == "fail"
    assert "skills_differ" in gainakt("verdict", run_id, *store).stdout
    for words, says in (
        (("--set", "std=1"), "unknown criterion 'std'"),
        (("--with", "magic"), "called stand-in) or preset"),
    ):
        done = gainakt("verdict", run_id, *words, *store)
        assert done.returncode == 2 and says in done.stderr.splitlines()[-1]
