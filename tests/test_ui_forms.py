"""Widgets made from the configuration: exact values, bounds, help, changes."""

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from gainakt.config import fields, flatten
from gainakt.config.presets import PRESETS, preset
from gainakt.ui.forms.fields import log_stops, nice, slider_step


def draw(script: Callable[..., None], **arguments: Any) -> AppTest:
    app = AppTest.from_function(script, default_timeout=20, kwargs=arguments).run()
    assert not app.exception
    return app


def everything(name: str) -> None:
    import streamlit as st

    from gainakt.config import fields
    from gainakt.config.presets import preset
    from gainakt.ui.forms.fields import settings_form

    config = preset(name)
    st.session_state["changes"] = settings_form(config, f"t.{name}", fields(), columns=3)


def one_field(field: str, value: float) -> None:
    import streamlit as st

    from gainakt.config import fields
    from gainakt.ui.forms.fields import widget

    st.session_state["held"] = widget(fields()[field], value, "k")


def checked(changes: dict[str, object]) -> None:
    import streamlit as st

    from gainakt.config import Config
    from gainakt.ui.forms.fields import validated

    st.session_state["valid"] = validated(Config(), changes) is not None


@pytest.mark.parametrize("name", PRESETS)
def test_an_untouched_form_changes_nothing(name: str) -> None:
    app = draw(everything, name=name)
    assert app.session_state["changes"] == {}


def test_every_widget_has_the_label_and_help_of_its_field() -> None:
    app = draw(everything, name="corrected")
    drawn = [*app.selectbox, *app.slider, *app.select_slider, *app.number_input, *app.text_input, *app.toggle]
    by_key = {element.key.removeprefix("t.corrected."): element for element in drawn}
    assert by_key.keys() == fields().keys()
    for name, spec in fields().items():
        assert (by_key[name].label, by_key[name].help) == (spec.label, spec.help)


@pytest.mark.parametrize("value", [0, 0.01, 0.5, 1.0, 2.0, 20, 50, 174, 200, 2000, 1234.5, 5000])
def test_the_log_slider_holds_exact_values(value: float) -> None:
    app = draw(one_field, field="weights.variance", value=value)
    assert app.session_state["held"] == value


def test_log_stops_rise_from_zero_to_the_bound() -> None:
    stops = log_stops(fields()["weights.variance"])
    assert stops[:2] == [0, 0.001] and stops[-1] == 5000
    assert {2.0, 20.0, 50.0, 200.0, 2000.0} <= set(stops)
    assert stops == sorted(set(stops)) and len(stops) == 82


def test_moving_a_slider_is_a_change() -> None:
    app = draw(everything, name="corrected")
    app.select_slider(key="t.corrected.weights.variance").set_value(50.0).run()
    assert app.session_state["changes"] == {"weights.variance": 50.0}


def test_widgets_carry_the_bounds() -> None:
    app = draw(everything, name="corrected")
    dropout = app.slider(key="t.corrected.model.dropout")
    width = app.number_input(key="t.corrected.model.width")
    assert (dropout.min, dropout.max, width.min, width.max) == (0, 0.9, 8, 1024)


def test_plain_sliders_only_where_they_can_show_the_value() -> None:
    known = fields()
    assert slider_step(known["weights.encoder_priority"]) == 0.01
    assert slider_step(known["training.learning_rate"]) is None
    assert [nice(v) for v in (0.009, 0.01, 0.03, 7, 1.999)] == [0.005, 0.01, 0.02, 5, 1]


def test_what_is_not_allowed_is_said_on_the_page() -> None:
    app = draw(checked, changes={"model.heads": 7})
    assert not app.session_state["valid"]
    assert "does not divide" in app.error[0].value
    assert draw(checked, changes={"model.heads": 8}).session_state["valid"]


def test_hostile_values_stay_text_in_messages() -> None:
    app = draw(
        checked, changes={"model.gain_head": "[x](http://x.invalid) :material/home: $x$ www.x.invalid a@x.invalid"}
    )
    shown = app.error[0].value.replace("\\", "")
    assert not any(sign in shown for sign in (":material", "http://", "www.", "a@"))
    assert r"\[x\]\(http" in app.error[0].value and r"\$x\$" in app.error[0].value


def test_presets_fit_their_widgets() -> None:
    for name in PRESETS:
        for field, value in flatten(preset(name)).items():
            spec = fields()[field]
            assert not spec.log or value in log_stops(spec, value)


def test_a_log_slider_has_twelve_stops_a_decade() -> None:
    stops = log_stops(fields()["weights.variance"])
    assert all(sum(low <= stop < 10 * low for stop in stops) == 12 for low in (0.01, 0.1, 1, 10, 100))
