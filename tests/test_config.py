"""The configuration: bounds, errors that name field and choices, presets, derived tables."""

import math

import pytest
from pydantic import ValidationError

from gainakt.config import (
    Config,
    WeightsConfig,
    changed,
    checked,
    difference,
    fields,
    flatten,
    flatten_stored,
    weights_at,
)
from gainakt.config.presets import PRESETS, preset
from gainakt.config.tree import RENAMED
from gainakt.errors import InputError
from gainakt.store import RunFolder, Store
from gainakt.training.loop import train
from gainakt.ui import tables
from gainakt.ui.plots.figures import mark_text

LIVE = {
    *(f"weights.{name}" for name in WeightsConfig.model_fields), "losses.std_target", "losses.margin",
    "training.learning_rate", "training.encoder2_rate", "training.mastery_rate", "training.weight_decay",
    "training.clip_norm", "model.dropout", "model.gain_dropout", "model.temperature_start", "model.transfer_start",
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name, spec in fields().items() if spec.kind in (int, float)])
def test_numbers_beyond_their_bounds_are_refused_and_the_field_named(name):
    spec = fields()[name]
    assert spec.low is not None
    beyond = [spec.low - 1] + ([spec.high + 1] if spec.high is not None else [])
    for value in beyond:
        with pytest.raises(InputError) as error:
            changed(Config(), {name: value})
        text = str(error.value)
        assert text.startswith(f"{name}: ") and "should be" in text and f"got {value!r}" in text
    for value in ("many", "nan", "inf", ""):
        with pytest.raises(InputError, match=f"^{name}: "):
            changed(Config(), {name: value})


@pytest.mark.parametrize("name", [name for name, spec in fields().items() if spec.choices])
def test_choices_are_listed_when_another_is_given(name):
    with pytest.raises(InputError) as error:
        changed(Config(), {name: "sideways"})
    assert name in str(error.value) and "'sideways'" in str(error.value)
    for choice in fields()[name].choices:
        assert choice in str(error.value)
        assert flatten(changed(Config(), {name: choice}))[name] == choice


def test_an_unknown_field_is_named_with_the_known_ones_of_its_section():
    with pytest.raises(InputError) as error:
        changed(Config(), {"training.epochs": 3})
    assert "'training.epochs'" in str(error.value) and "training.max_epochs" in str(error.value)
    assert "model.width" not in str(error.value)
    with pytest.raises(InputError, match=r"'epochs'.*training\.max_epochs"):
        changed(Config(), {"epochs": 3})
    with pytest.raises(ValidationError):
        Config.model_validate({"training": {"epochs": 3}})


def test_several_errors_are_all_named():
    with pytest.raises(InputError, match=r"model\.width: .*; training\.fold: "):
        changed(Config(), {"model.width": 1, "training.fold": -1})


def test_text_is_parsed_as_the_command_line_gives_it():
    config = changed(
        Config(), {"training.max_epochs": "0", "weights.encoder_priority": "0.25", "training.learning_rate": "1e-3"}
    )
    assert (config.training.max_epochs, config.weights.encoder_priority, config.training.learning_rate) == (
        0,
        0.25,
        1e-3,
    )


def test_heads_must_divide_the_width():
    with pytest.raises(InputError, match=r"model\.heads: 4 does not divide model\.width 10"):
        changed(Config(), {"model.width": 10})
    assert changed(Config(), {"model.width": 10, "model.heads": 5}).model.width == 10


def test_counts_would_tell_the_responses_that_are_hidden():
    with pytest.raises(InputError, match=r"model\.counts would reveal the responses that model\.hidden hides"):
        changed(Config(), {"model.counts": True, "model.hidden": "response"})


def test_a_configuration_does_not_change_in_place():
    config = Config()
    other = changed(config, {"weights.variance": 50})
    assert config.weights.variance == 0 and other.weights.variance == 50
    with pytest.raises(ValidationError):
        config.weights.variance = 1.0


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_valid_and_travel_as_json(name):
    config = preset(name)
    again = Config.model_validate_json(config.model_dump_json())
    assert checked(again) == config
    assert changed(Config(), flatten(config)) == config


def test_an_unknown_preset_lists_the_known():
    with pytest.raises(InputError, match="'v4'; known: corrected, without-level, v3-phase1"):
        preset("v4")


def test_without_level_is_the_default_and_v3_phase1_what_the_seed_states():
    assert preset("without-level") == Config()
    v3 = preset("v3-phase1")
    assert (v3.model.width, v3.model.heads, v3.model.blocks, v3.model.feedforward) == (256, 4, 4, 256)
    assert (v3.training.learning_rate, v3.training.weight_decay, v3.training.batch_size) == (1.74e-4, 1e-4, 64)
    assert (v3.training.clip_norm, v3.training.patience, v3.data.window, v3.model.dropout) == (1.0, 10, 200, 0.1)
    weights = v3.weights
    assert (weights.encoder_priority, weights.variance, weights.contrastive, weights.beta_spread) == (
        0.5,
        2.0,
        1.0,
        0.5,
    )
    assert (v3.model.temperature, v3.model.temperature_start, v3.model.threshold_start) == ("fixed", 1.0, 0.85)
    assert (v3.model.accumulation, v3.model.gain_head, v3.losses.variance_form) == ("all", "linear", "minus_variance")


def test_flatten_and_difference_are_by_dotted_name():
    config = changed(Config(), {"weights.variance": 50, "model.accumulation": "all"})
    assert set(flatten(config)) == set(fields())
    assert difference(Config(), config) == {"weights.variance": (0.0, 50.0), "model.accumulation": ("transfer", "all")}
    assert difference(config, config) == {}


def test_weights_rates_and_the_curves_scales_are_what_may_change_while_a_run_trains():
    assert {name for name, spec in fields().items() if spec.live} == LIVE


def test_every_field_has_what_a_form_needs():
    for name, spec in fields().items():
        assert spec.name == name and spec.label and spec.help and spec.default is not None
        assert flatten(Config())[name] == spec.default
        assert isinstance(spec.default, spec.kind)
        if spec.log:
            assert spec.low == 0 and math.isfinite(spec.high)
    assert (fields()["weights.variance"].low, fields()["weights.variance"].high) == (0, 5000)


FORMER = {"weights": {"bce": 0.3, "variance": 2.0}}  # a configuration as older runs and published records hold it


def test_the_table_of_former_names_leads_to_settings_that_exist():
    assert set(RENAMED.values()) <= set(fields()) and not set(RENAMED) & set(fields())


def test_a_stored_configuration_with_the_former_name_is_read():
    assert Config.model_validate(FORMER).weights.encoder_priority == 0.3
    assert flatten_stored(FORMER) == {"weights.encoder_priority": 0.3, "weights.variance": 2.0}
    with pytest.raises(ValidationError, match=r"weights\.bce"):
        Config.model_validate({"weights": {"bce": 0.3, "encoder_priority": 0.7}})


def test_a_change_by_the_former_name_is_made_and_its_bounds_name_the_present_one():
    assert changed(Config(), {"weights.bce": "0.3"}).weights.encoder_priority == 0.3
    with pytest.raises(InputError, match=r"^weights\.encoder_priority: .* less than or equal to 1"):
        changed(Config(), {"weights.bce": 2})


def test_a_schedule_may_use_the_former_name_but_not_both():
    assert weights_at("bce 1:0.5 5:0.3", 3) == weights_at("encoder_priority 1:0.5 5:0.3", 3)
    assert weights_at("bce 1:0.5 5:0.3", 3) == {"encoder_priority": pytest.approx(0.4)}
    with pytest.raises(InputError, match="each weight once"):
        weights_at("bce 1:0.5; encoder_priority 1:0.3", 1)


def test_a_control_request_by_the_former_name_is_done_under_the_present_one(tiny, small_class):
    asked = iter([[{"kind": "set", "field": "weights.bce", "value": 0.3, "who": "script"}]])
    events = list(train(tiny(), small_class(), lambda: next(asked, [])))
    (change,) = (event for event in events if event.kind == "changed")
    assert (change.field, change.old, change.new) == ("weights.encoder_priority", 0.5, 0.3)
    assert not [event for event in events if event.kind == "refused"]


def test_the_journal_of_an_older_run_is_shown_under_the_present_name(tmp_path):
    with RunFolder.create(tmp_path, name="older", preset="corrected", config=FORMER) as folder:
        folder.append(
            {"kind": "changed", "step": 3, "epoch": 1, "field": "weights.bce", "old": 0.5, "new": 0.3, "who": "anna"}
        )
    with Store.open(":memory:", runs=tmp_path) as store:
        store.take_in()
        run, rows = store.run(folder.run_id), store.events(folder.run_id)
    rows = rows[rows["kind"] == "changed"]
    assert tables.events(rows)["Detail"].tolist() == ["Encoder priority: 0.5 → 0.3"]
    assert mark_text(next(rows.itertuples())) == "Encoder priority 0.5 → 0.3"
    shown = tables.settings(run).set_index("Name in --set")["Value"]
    assert shown["weights.encoder_priority"] == "0.3" and shown["weights.variance"] == "2"
    assert "weights.bce" not in shown.index


def test_a_learning_rate_so_small_that_it_underflows_is_refused():
    for name in ("learning_rate", "encoder2_rate", "mastery_rate"):
        with pytest.raises(InputError, match=name):
            changed(preset("without-level"), {f"training.{name}": 5e-324})
