"""One prediction in sentences, and in numbers as `gainakt explain --json` prints them."""

import json
from typing import Any

from gainakt.ui.text import markdown_text, number

_LARGEST = 3


def paragraph(explained: dict[str, Any]) -> str:
    """Why the prediction is what it is, as Markdown; `explained` is the explanation as plain values."""
    value = {name: number(one) for name, one in explained.items() if isinstance(one, float)}
    skill = f"skill **{markdown_text(explained['skill'])}**"
    return "\n\n".join(
        [
            f"At interaction {explained['interaction']}, student {markdown_text(explained['student'])} gave"
            f" {'a **correct**' if explained['response'] else 'an **incorrect**'} response on {skill}. Encoder 2 had"
            f" given a correct one a probability of **{value['probability']}**, Encoder 1 one of"
            f" {value['encoder1_probability']}.",
            _practice(explained, skill),
            *_level(explained),
            f"On the learning curve of this skill, with slope {value['slope']} times the student's velocity"
            f" {value['velocity']} and offset {value['offset']}, that is mastery **{value['mastery']}** of at most"
            f" {value['ceiling']}. {_against_threshold(explained)}",
        ]
    )


def _practice(explained: dict[str, Any], skill: str) -> str:
    earlier = explained["contributions"]
    same = sorted((one for one in earlier if one["skill"] == explained["skill"]), key=lambda one: -one["added"])
    others = [one for one in earlier if one["skill"] != explained["skill"] and one["added"] > 0]
    text = f"Before it, the practice of {skill} was **{number(explained['practice'])}**."
    plural = "" if len(earlier) == 1 else "s"
    text += (
        f" {len(same) or 'None'} of the {len(earlier)} earlier interaction{plural} of the sequence window practised it"
    )
    if same:
        largest = ", ".join(_contribution(one) for one in same[:_LARGEST])
        text += f" and added {number(sum(one['added'] for one in same))}"
        text += f", of which {largest}" if len(same) > _LARGEST else f": {largest}"
    if others:
        practised = "interaction" if len(others) == 1 else "interactions"
        text += f"; {len(others)} {practised} on other skills added {number(sum(one['added'] for one in others))}"
    return text + "."


def _level(explained: dict[str, Any]) -> list[str]:
    if not explained["level"]:
        return []
    above = "above" if explained["level"] > 0 else "below"
    each = sorted(explained["contributions"], key=lambda one: -abs(one["level"]))[:_LARGEST]
    largest = ", ".join(f"{one['level']:+.3g} from interaction {one['interaction']}" for one in each)
    return [
        f"The responses so far put the student {above} what is usual: level **{explained['level']:+.3g}**, most of it"
        f" {largest}. It shifts the learning curve; it is evidence of where the student started, not learning."
    ]


def _contribution(one: dict[str, Any]) -> str:
    response = "correct" if one["response"] else "incorrect"
    return f"{number(one['added'])} from interaction {one['interaction']} ({response})"


def _against_threshold(explained: dict[str, Any]) -> str:
    distance = explained["mastery"] - explained["threshold"]
    return (
        f"The threshold, at which correct and incorrect are equally likely, is {number(explained['threshold'])}:"
        f" mastery is {number(abs(distance))} {'above' if distance >= 0 else 'below'} it, and that distance divided by"
        f" the temperature {number(explained['temperature'])} is the logit of {number(explained['probability'])}."
    )


def exact(explained: dict[str, Any]) -> str:
    """The whole computation, a line per step, with every digit that the command line prints."""
    v = {name: json.dumps(one) for name, one in explained.items() if name != "contributions"}
    return "\n".join(
        [
            f"practice    = {v['practice']}  (sum of `added` below)",
            f"level       = {v['level']}  (sum of `level` below)",
            f"z           = slope {v['slope']} × velocity {v['velocity']} × practice + level − offset {v['offset']}"
            f" = {v['z']}",
            f"mastery     = ceiling {v['ceiling']} × sigmoid(z) = {v['mastery']}",
            f"probability = sigmoid((mastery − threshold {v['threshold']}) / temperature {v['temperature']})"
            f" = {v['probability']}",
            f"              {v['model_probability']} as the model computed it, in single precision",
            f"Encoder 1   : {v['encoder1_probability']}",
        ]
    )
