"""Every measure is registered once, and everything that a run reports has its entry."""

from gainakt.measures.registry import MEASURES, shown_in
from gainakt.reference import records
from gainakt.simulate import simulate
from gainakt.training.loop import train


def reported(tiny, name):
    *_, last = train(tiny({"data.window": 50}, name), simulate("demo", students=40))
    return {(split, measure) for split, values in last.results.items() for measure in values}


def test_whatever_a_run_reports_has_a_label_and_a_help_text(tiny):
    every = reported(tiny, "corrected") | reported(tiny, "parametric")
    assert len(every) > 100
    assert {name for _, name in every} - MEASURES.keys() == set()
    published = {name for record in records() for values in record["results"].values() for name in values}
    assert published - MEASURES.keys() == set()


def test_a_measure_says_what_it_is_in_a_sentence():
    for measure in MEASURES.values():
        assert measure.label and measure.label[0].isupper(), measure.name
        assert measure.help.endswith("."), measure.name
    names = [
        measure.label for measure in MEASURES.values() if measure.of == "split" and "left out" not in measure.label
    ]
    assert len(set(names)) == len(names)


def test_columns_of_the_runs_table_have_short_heads():
    assert {"encoder1_auc", "encoder2_auc", "gain_std"} <= shown_in("runs").keys()
    assert all(measure.short for measure in shown_in("runs").values())
