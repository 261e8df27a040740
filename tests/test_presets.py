"""Named configurations: what each idea changes, on `without-level` and on the origin's formulas."""

import re

import pytest

from gainakt.config import Config, difference
from gainakt.config.presets import PRESETS, find, measured, preset
from gainakt.errors import InputError
from gainakt.training.loop import train
from tests.benchmarks import findings

IDEAS = {
    "variance-x10": {"weights.variance": 20}, "variance-x100": {"weights.variance": 200},
    "variance-x1000": {"weights.variance": 2000}, "flipped-priority": {"weights.encoder_priority": 0.3},
    "encoder2-pretrained": {"regime.alone_epochs": 3, "regime.schedule": "gain_targets 3:1 4:0"},
    "encoder2-alone": {"regime.alone_epochs": 1000}, "adversarial": {"weights.adversary": 0.1},
    "hard-constraint": {"pressure.reject_below": 0.1},
    "fail-on-uniform": {"pressure.fail_below": 0.01, "pressure.fail_from": 3},
    "per-skill-heads": {"model.gain_head": "per_skill"},
    "mixture-of-experts": {"model.gain_head": "mixture", "weights.balance": 0.01},
    "hierarchical": {"model.gain_head": "hierarchical", "model.experts": 8}, "triplet": {"weights.triplet": 1},
    "irt-prior": {"model.prior": "irt"}, "gain-response": {"weights.gain_response": 0.1},
    "curriculum": {"regime.schedule": "variance 1:0 10:20"}, "gain-dropout": {"model.gain_dropout": 0.2},
}  # fmt: skip


def against(base, name):
    return {field: new for field, (_, new) in difference(preset(base), preset(name)).items()}


@pytest.mark.parametrize("name", IDEAS)
def test_an_idea_changes_what_it_says_and_nothing_else(name):
    assert against("without-level", name) == IDEAS[name]
    origin = against("v3-phase1", f"v3-phase1+{name}")
    assert {field: value for field, value in origin.items() if field in IDEAS[name]} == IDEAS[name]
    assert set(origin) - set(IDEAS[name]) <= {"model.threshold"}, "which irt-prior needs per skill"


def test_all_ideas_of_the_seed_are_there_with_its_expectation():
    assert {"corrected", "v3-phase1", "v2", "bug-fix-2-epochs", *IDEAS} <= set(PRESETS)
    for name in IDEAS:
        assert PRESETS[name].expected
    assert PRESETS["without-level"].config == Config()


def test_the_seeds_own_runs_start_from_its_formulas():
    v2 = against("v3-phase1", "v2")
    assert v2 == {"weights.variance": 0.1, "weights.gain_response": 0.1, "weights.contrastive": 0.0,
                  "weights.beta_spread": 0.0, "model.beta_start_std": 0.0}  # fmt: skip
    assert against("v3-phase1", "bug-fix-2-epochs") == {"training.max_epochs": 2}


def test_expectations_are_the_seeds(seed_text):
    stated = re.findall(r"(\d+)(?:-\d+)?%", seed_text.split("## Success Probability Assessment")[1])
    for name in IDEAS:
        assert set(re.findall(r"(\d+) (?:to \d+ )?%", PRESETS[name].expected)) <= set(stated)


@pytest.mark.parametrize("name", ["v4", "corrected+v4", "v4+triplet", "+triplet"])
def test_an_unknown_name_lists_the_known(name):
    with pytest.raises(InputError, match=r"known: corrected, without-level, v3-phase1, .*BASE\+IDEA"):
        preset(name)


def test_an_idea_on_the_origin_says_so():
    assert find("v3-phase1+triplet").about == f"{PRESETS['triplet'].about} On v3-phase1."
    assert find("v3-phase1+triplet").expected == PRESETS["triplet"].expected


@pytest.mark.parametrize("name", [*PRESETS, *(f"v3-phase1+{name}" for name in IDEAS)])
def test_every_preset_trains_an_epoch_and_tells_encoder_2s_auc(tiny, small_class, name):
    config = tiny({"training.max_epochs": 1}, name)
    finished = list(train(config, small_class(students=40, lengths=(8, 20))))[-1]
    assert finished.status == "finished"
    assert finished.results["test"]["encoder2_auc"] is not None


def test_the_ablation_covers_all_that_separates_its_ends():
    covered = [field for fields, _ in findings.CAUSES.values() for field in fields]
    assert len(covered) == len(set(covered))
    assert set(covered) | set(findings.WIDTH) == set(difference(*map(preset, findings.ENDS)))


def test_what_was_measured_of_an_idea_says_under_which_conditions():
    conditions = re.compile(r"(all students|one student in \d+), width \d+, \d+ epochs, (1 seed|means of \d+ seeds): ")
    for name in IDEAS:
        for part in measured(name).split(". "):
            assert conditions.search(part) and part.count("(without-level: ") == 2, name


def test_what_was_measured_is_that_of_the_results():
    assert findings.measured(findings.done_so_far()) == {name: measured(name) for name in PRESETS if measured(name)}, (
        "stale; write it with: python -m tests.benchmarks.findings --write"
    )
