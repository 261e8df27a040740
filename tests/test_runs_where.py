"""The language that filters runs: what it finds, what it refuses and how it says so."""

import datetime as dt

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainakt.analysis.runs.where import holds, names, parse
from gainakt.errors import InputError

DAY = dt.datetime(2026, 11, 28, 12).timestamp()
TABLE = pd.DataFrame(
    {
        "run_id": ["a", "b", "c"], "name": ["first try", "it's 5 %", "Second"], "preset": ["corrected", "v2", None],
        "status": ["finished", "running", "finished"], "data": ["assist2015", "demo", "demo"],
        "tags": [["paper", "for me"], [], ["old"]], "favourite": [True, False, False],
        "weights.variance": [50.0, 0.0, None], "gain_std": [0.2, 0.1, None], "created": [DAY, DAY - 86400, DAY],
        "model.gain_head": ["linear", "mixture", None], "model.counts": [True, False, None],
    },
    index=["a", "b", "c"],
)  # fmt: skip


def found(text: str) -> str:
    mask = holds(parse(text), TABLE)
    return "".join(TABLE.index[mask])


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", "abc"),
        ("  ", "abc"),
        ("weights.variance > 10 and data = assist2015", "a"),
        ("weights.variance>10", "a"),
        ("weights.bce >= 0 or weights.variance <= 0", "b"),
        ("data = ASSIST2015", "a"),
        ("data ~ dem", "bc"),
        ("data != demo", "a"),
        ("data !~ dem", "a"),
        ("tags = 'for me'", "a"),
        ("tags ~ pap", "a"),
        ("not tags = old", "ab"),
        ("tags = none", "b"),
        ("favourite = yes", "a"),
        ("favourite = no and status = finished", "c"),
        ("model.counts = true", "a"),
        ("model.counts = none", "c"),
        ("weights.variance = none", "c"),
        ("weights.variance != none", "ab"),
        ("weights.variance != 50", "bc"),
        ("data in (assist2015, other)", "a"),
        ("weights.variance in (0, 50)", "ab"),
        ("created > 2026-11-27T23:00", "ac"),
        ("created = 2026-11-27", "b"),
        ("status = finished (gain_std > 0.1 or tags = old)", "ac"),
        ("status = running or status = finished and favourite = yes", "ab"),
        ("first try", "a"),
        ("try first", "a"),
        ("'first try'", "a"),
        ("'try first'", ""),
        ("it's", "b"),
        ("%", "b"),
        ("second or first", "ac"),
        ("not demo", "a"),
        ("paper and gain_std > 0", "a"),
        ("model.gain_head = mixture", "b"),
    ],
)
def test_what_is_found(text: str, rows: str) -> None:
    table = TABLE.assign(**{"weights.encoder_priority": [None, None, None]})
    assert "".join(table.index[holds(parse(text), table)]) == rows


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("weights.varience > 1", "did you mean weights.variance.*a setting such as"),
        ("variance > 1", "did you mean weights.variance"),
        ("nothing_such = 1", "unknown field 'nothing_such'.*name, status, preset, data"),
        ("gain_std > much", "gain_std is a number; got 'much'"),
        ("gain_std ~ 1", "gain_std is a number; compare it by"),
        ("data > a", "data is a text; compare it by"),
        ("favourite = perhaps", "favourite is yes or no; got 'perhaps'"),
        ("created > yesterday", "created is a time such as"),
        ("gain_std >", "ends where a value after gain_std > is expected"),
        ("gain_std > )", "where a value is expected"),
        ("(gain_std > 1", "a closing parenthesis is missing"),
        ("gain_std > 1)", "a parenthesis too many"),
        ("data in (a", "a closing parenthesis is missing"),
        ("and data = a", "'and' where a field or a word is expected"),
        ("= 3", "'=' where a field or a word is expected"),
        ("(" * 200 + "a" + ")" * 200, "more than 40 parentheses"),
        ("a" * 2000, "at most 1,000"),
    ],
)
def test_what_is_refused_is_said(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        parse(text)


def test_the_fields_that_are_asked_for_are_known() -> None:
    assert names(parse("not (gain_std > 1 or data = a) word")) == {"gain_std", "data"}
    assert names(parse("weights.bce = 1")) == {"weights.encoder_priority"}


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        condition = parse(text)
    except InputError:
        return
    table = TABLE.reindex(columns=[*TABLE.columns, *(names(condition) - set(TABLE.columns))])
    assert len(holds(condition, table)) == 3


def test_a_quoted_word_is_a_value_and_nothing_else() -> None:
    assert found("data = '\"; DROP TABLE runs --'") == ""
    assert found('name ~ "it\'s"') == "b"
