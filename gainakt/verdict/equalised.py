"""The run's own account: does its held-out log-loss worsen when its own rates, or its own gains, are made equal?

What the trained model counts as practice is split by whose it is (the asked skill's own, others') and by the response
it came from. It is used as it is, and made equal; in both arms offset, M_sat and threshold per skill, an ability per
student and one scale of each kind of practice are fitted anew on the training students. All others score both.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from gainakt.curve_model import curve
from gainakt.curve_model.counts import Practice, practice_of
from gainakt.curve_model.fit import Fit, Tie, fitted, start
from gainakt.curve_model.predict import log_loss
from gainakt.data.interactions import Interactions
from gainakt.data.sequences import Batch, Split, Windows
from gainakt.model.gainakt import GainAKT, Interpretable
from gainakt.verdict.evidence import QUESTIONS, Interval, Question, by_student, sizes

Array = NDArray[np.floating]
Parts = dict[str, Practice]
_TIE = Tie(skills=True, response=True)
HELD_OUT = ("validation", "test")
SPLITS = ("train", *HELD_OUT)


@dataclass(frozen=True)
class Account:
    """What a run counts as practice before each interaction of its students, by split.

    `practised` has, in place of the counts of `counts`, the practice they brought. `rate` (S,) is the run's effective
    rate, `gain` (S, 2) its mean gain of the practised skill after incorrect and correct responses; NaN: not known.
    """

    counts: Parts
    practised: Parts
    rate: Array
    gain: Array


def worsening(account: Account) -> dict[Question, Interval]:
    """How much the held-out log-loss per interaction rises when the run's rates, or gains by response, are equal."""
    skills = len(account.rate)
    as_it_is = _loss(account.practised, skills)
    equal = {"skills": equal_rates(account), "response": equal_responses(account)}
    held_out = [account.counts[name] for name in HELD_OUT]
    student = np.concatenate([part.student[part.scored] for part in held_out])
    return {name: by_student(_loss(equal[name], skills) - as_it_is, student) for name in QUESTIONS}


def size(account: Account) -> dict[Question, float | None]:
    """How large the run's own differences are, on the training students."""
    return sizes(account.rate, account.gain, account.counts["train"])


def carried(account: Account, actual: Array) -> float:
    """How much of what its practice can predict the run as trained predicts itself: 1 all, 0 none, under 0 harm.

    `actual` (M,) is its own held-out log-loss per scored interaction. The measure reaches from a constant per skill to
    the practice refitted, both without ability. Where it is small, refitting did the run's work: rates that its own
    predictions do not use (gains driven to 0, a saturated curve) can still be in a telling order.
    """
    skills = len(account.rate)
    none = {name: replace(part, own=0 * part.own, other=0 * part.other) for name, part in account.practised.items()}
    least, most = (float(_loss(parts, skills, ability=False).mean()) for parts in (none, account.practised))
    return (least - float(actual.mean())) / (least - most) if least > most else 0.0


def equal_rates(account: Account) -> Parts:
    """Every skill's practice scaled to the mean rate of all."""
    factor = _factor(np.full_like(account.rate, np.nanmean(account.rate)), account.rate)
    return {
        name: replace(part, own=part.own * factor[part.skill, None], other=part.other * factor[part.skill, None])
        for name, part in account.practised.items()
    }


def equal_responses(account: Account) -> Parts:
    """Practice as if each skill's mean gain after either response were the mean of both, own and from others."""
    train = account.counts["train"], account.practised["train"]
    skill, skills = train[0].skill, len(account.rate)
    brought, counted = (
        np.stack([np.bincount(skill, part.other[:, r], skills) for r in (0, 1)], axis=1) for part in reversed(train)
    )
    with np.errstate(invalid="ignore"):
        other = brought / counted
    own, from_others = (_factor(gain.mean(1, keepdims=True), gain) for gain in (account.gain, other))
    return {
        name: replace(part, own=part.own * own[part.skill], other=part.other * from_others[part.skill])
        for name, part in account.practised.items()
    }


def _factor(wanted: Array, is_now: Array) -> Array:
    """What turns one value into the other; 1 where that is not known."""
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = wanted / is_now
    return np.asarray(np.where(np.isfinite(factor), factor, 1.0).astype(np.float32))


def _loss(parts: Parts, skills: int, ability: bool = True) -> Array:
    fit = start(skills, replace(_TIE, ability=ability))
    theta = fit.theta.copy()
    theta[:, [curve.LEVEL, curve.TRANSFER]] = 0.0  # the practice as the run counts it
    fit = replace(fit, theta=theta, mean=theta[0].copy())
    fit = fitted(parts["train"], fit)
    return np.concatenate([log_loss(fit, parts[name]) for name in HELD_OUT])


def of_curve_model(fit: Fit, data: Interactions, split: Split, window: int) -> Account:
    """The account of a fitted stand-in."""
    gains = fit.gains.astype(np.float32)
    counts = {name: practice_of(data, getattr(split, name), window) for name in SPLITS}
    practised = {
        name: replace(part, own=part.own * gains[part.skill, 0], other=part.other * gains[part.skill, 1])
        for name, part in counts.items()
    }
    return Account(counts, practised, fit.rate, gains[:, 0].astype(np.float64))


def of_model(model: GainAKT, data: Interactions, split: Split, windows: dict[str, Windows], rate: Array) -> Account:
    """The account of a trained model; `rate` (S,) is its effective rate, NaN where not known."""
    counts = {name: practice_of(data, getattr(split, name), windows[name].window) for name in SPLITS}
    practised = {name: _practised(model.encoder2, windows[name], counts[name]) for name in SPLITS}
    return Account(counts, practised, rate, _mean_gains(model.encoder2, windows["train"], len(data.skills)))


@torch.inference_mode()
def _practised(encoder: Interpretable, windows: Windows, counts: Practice) -> Practice:
    """The practice of the asked skill before each interaction, by whose and by which response it came from."""
    encoder.eval()
    own, other = [], []
    for _, batch in windows.in_order():
        parts = _split(encoder, batch)  # (B, T, 2, 2)
        own.append(parts[batch.valid][:, 0].cpu().numpy())
        other.append(parts[batch.valid][:, 1].cpu().numpy())
    return replace(counts, own=np.concatenate(own), other=np.concatenate(other))


def _split(encoder: Interpretable, batch: Batch) -> torch.Tensor:
    asked, steps, mastery = batch.asked, batch.asked.shape[1], encoder.mastery
    practised, response = batch.skill[:, :steps], batch.response[:, :steps]
    read = encoder.encoder(batch.skill, batch.response)[:, :steps]
    gains = torch.sigmoid(encoder.gains.pairs(read, response, asked).float()) * mastery.transfer_share(asked, practised)
    slope = mastery.beta[asked] * mastery.velocity(torch.full_like(batch.student, -1))[:, None]
    known = (
        torch.arange(steps, device=asked.device).expand_as(asked) if batch.last_visible is None else batch.last_visible
    )
    fed = gains * slope[..., None] * (torch.arange(steps, device=asked.device) <= known[..., None])  # (B, A, T)
    same = asked[:, :, None] == practised[:, None, :]
    correct = (response > 0)[:, None, :]
    sums = [[(fed * (mine & right)).sum(-1) for right in (~correct, correct)] for mine in (same, ~same)]
    parts = torch.stack([torch.stack(pair, -1) for pair in sums], -2)  # (B, A, 2, 2)
    return torch.nn.functional.pad(parts, (0, 0, 0, 0, 1, 0))


@torch.inference_mode()
def _mean_gains(encoder: Interpretable, windows: Windows, skills: int) -> Array:
    """Mean gain of each skill when practised, after incorrect and correct responses (S, 2)."""
    total = torch.zeros(2 * skills, 2, dtype=torch.float64, device=windows.device)
    for _, batch in windows.in_order():
        gains = encoder.gains.own(encoder.encoder(batch.skill, batch.response), batch.response, batch.skill)
        gains = torch.sigmoid(gains.float())[batch.valid].double()
        place = (2 * batch.skill + batch.response)[batch.valid]
        total.index_add_(0, place, torch.stack([gains, torch.ones_like(gains)], -1))
    sums = total.cpu().numpy().reshape(skills, 2, 2)
    with np.errstate(invalid="ignore"):
        return np.asarray(sums[..., 0] / sums[..., 1])
