"""One prediction in sentences, and in numbers as `gainakt explain --json` prints them."""

import json
from typing import Any

from gainakt.ui.text import markdown_text, number

_LARGEST = 3


def paragraph(explained: dict[str, Any]) -> str:
    """Why the prediction is what it is, as Markdown; `explained` is the explanation as plain values."""
    value = {name: number(one) if isinstance(one, float) else one for name, one in explained.items()}
    skill = f"**{markdown_text(explained['skill'])}**"
    outcome = _response(explained["response"])
    return " ".join([
        f"For interaction {explained['interaction']} of student {markdown_text(explained['student'])}, on {skill},"
        f" Encoder 2 gave a correct response a probability of **{value['probability']}**; the response was {outcome}."
        f" Encoder 1 gave {value['encoder1_probability']}.",
        _practice(explained, skill),
        f"On the learning curve of {skill}, with slope {value['slope']} times the student's velocity"
        f" {value['velocity']} and offset {value['offset']}, that is mastery **{value['mastery']}** of at most"
        f" {value['ceiling']}.",
        _against_threshold(explained),
    ])  # fmt: skip


def _response(response: int) -> str:
    return "correct" if response else "incorrect"


def _practice(explained: dict[str, Any], skill: str) -> str:
    fed = sorted((one for one in explained["contributions"] if one["added"] > 0), key=lambda one: -one["added"])
    earlier = len(explained["contributions"])
    window = f"{earlier} earlier interaction{'' if earlier == 1 else 's'} of its sequence window"
    practice = f"{number(explained['practice'])}{_level(explained)}"
    if not fed:
        return f"None of the {window} practised {skill}: its practice is {practice}."
    which = "Most came" if len(fed) > _LARGEST else "It came"
    largest = "; ".join(_contribution(one) for one in fed[:_LARGEST])
    return f"{len(fed)} of the {window} practised {skill}: its practice is **{practice}**. {which} from {largest}."


def _contribution(one: dict[str, Any]) -> str:
    part = "" if one["share"] == 1 else f", a share of {number(one['share'])} of the gain {number(one['gain'])}"
    skill, response = markdown_text(one["skill"]), _response(one["response"])
    return f"interaction {one['interaction']} ({skill}, {response}): {number(one['added'])}{part}"


def _level(explained: dict[str, Any]) -> str:
    level = explained["level"]
    return f", of which a level of {number(level)} at the start" if level else ""


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
    return "\n".join([
        f"practice    = {v['practice']}  (sum of `added` below, plus level {v['level']})",
        f"z           = slope {v['slope']} × velocity {v['velocity']} × practice − offset {v['offset']} = {v['z']}",
        f"mastery     = ceiling {v['ceiling']} × sigmoid(z) = {v['mastery']}",
        f"probability = sigmoid((mastery − threshold {v['threshold']}) / temperature {v['temperature']})"
        f" = {v['probability']}",
        f"              {v['model_probability']} as the model computed it, in single precision",
        f"Encoder 1   : {v['encoder1_probability']}",
    ])  # fmt: skip
