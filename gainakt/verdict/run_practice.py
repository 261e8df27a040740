"""What a run counts as practice, and what held-out predictions lose when its rates, or its gains, are made equal.

A trained model's practice is split by source (the skill itself, other skills) and by the response that it came from.
It is used as it is, and made equal; both times offset, M_sat and threshold per skill, an ability per student and one
scale of each kind of practice are fitted to the training students, and all other students are predicted.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from gainakt.curve_model import curve
from gainakt.curve_model.counts import Practice, practice_of
from gainakt.curve_model.fit import Fit, LevelKind, Tie, fitted, start
from gainakt.curve_model.predict import log_loss
from gainakt.data.interactions import Interactions
from gainakt.data.sequences import Batch, Split, Windows
from gainakt.measures import metrics
from gainakt.measures.metrics import known_mean
from gainakt.model.gainakt import GainAKT, Interpretable
from gainakt.model.mastery import per_skill
from gainakt.verdict.statistics import UNKNOWN, Interval, Question, effect_sizes, mean_by_student

Array = NDArray[np.floating]
PracticeBySplit = dict[str, Practice]
_TIE = Tie(skills=True, response=True)
_MOST = {"none": 10**9, "student": 10**9, "student_skill": 100_000}
"""Most training interactions that the fits are made to; with a level on each skill they take longer."""
_LEAST_INFORMATION = 1e-4
"""Nats per interaction that practice has to predict; with less, its share that is used would be a ratio of noise."""
HELD_OUT = ("validation", "test")
SPLITS = ("train", *HELD_OUT)


@dataclass(frozen=True)
class RunPractice:
    """What a run counts as practice before each interaction of its students, by split.

    `counts` are numbers of responses, `practised` the practice they brought. `rate` (S,) are the run's effective rates,
    `gain` (S, 2) its mean practised gains after incorrect and correct responses; NaN where unknown. `level` says whose
    level the run has apart from its gains.
    """

    counts: PracticeBySplit
    practised: PracticeBySplit
    rate: Array
    gain: Array
    level: LevelKind = "none"

    @property
    def fit_level(self) -> LevelKind:
        """Whose level the fits have that judge it: at least one of the students."""
        return "student" if self.level == "none" else self.level


def log_loss_rise(run: RunPractice) -> dict[Question, Interval]:
    """How much the held-out log-loss per interaction rises when the run's rates, or gains by response, are equal.

    Unknown where fewer than two rates, or no skill's gains after both responses, are known: nothing can be made equal.
    """
    skills = len(run.rate)
    as_it_is = _log_loss(run.practised, skills, run.fit_level)
    held_out = [run.counts[name] for name in HELD_OUT]
    student = np.concatenate([part.student[part.scored] for part in held_out])

    def rise(equal: PracticeBySplit) -> Interval:
        return mean_by_student(_log_loss(equal, skills, run.fit_level) - as_it_is, student)

    return {
        "skills": rise(equal_rates(run)) if np.isfinite(run.rate).sum() > 1 else UNKNOWN,
        "response": rise(equal_responses(run)) if np.isfinite(run.gain).all(1).any() else UNKNOWN,
    }


def own_sizes(run: RunPractice) -> dict[Question, float | None]:
    """Effect sizes of the run's own rates and gains, on the training students."""
    return effect_sizes(run.rate, run.gain, run.counts["train"])


def information_used(run: RunPractice, actual: Array, without: Array | None = None) -> float:
    """Share of what the run's practice can predict that its own predictions do: 1 all, 0 none, below 0 harm.

    `actual` (M,) is the run's held-out log-loss per scored interaction, `without` (M,) what it would be if the run
    counted the same practice for everybody (`losses_without_practice`). The scale reaches from a constant per skill
    to the practice refitted, both with a level like the run's; without one, `without` is that constant. Where the
    share is small, refitting did the run's work: rates that its predictions do not use (gains driven to 0, a
    saturated curve) can still be in the right order.
    """
    skills = len(run.rate)
    none = {name: replace(part, own=0 * part.own, other=0 * part.other) for name, part in run.practised.items()}
    least, most = (float(_log_loss(parts, skills, run.level).mean()) for parts in (none, run.practised))
    gained = (least if without is None else float(without.mean())) - float(actual.mean())
    return gained / (least - most) if least - most > _LEAST_INFORMATION else 0.0


def equal_rates(run: RunPractice) -> PracticeBySplit:
    """Every skill's practice scaled to the mean rate of all."""
    factor = _factor(np.full_like(run.rate, known_mean(run.rate)), run.rate)
    return {
        name: replace(part, own=part.own * factor[part.skill, None], other=part.other * factor[part.skill, None])
        for name, part in run.practised.items()
    }


def equal_responses(run: RunPractice) -> PracticeBySplit:
    """Practice as if each skill's mean gain after either response were the mean of both, own and from others."""
    train = run.counts["train"], run.practised["train"]
    skill, skills = train[0].skill, len(run.rate)
    brought, counted = (
        np.stack([np.bincount(skill, part.other[:, r], skills) for r in (0, 1)], axis=1) for part in reversed(train)
    )
    with np.errstate(invalid="ignore"):
        other = brought / counted
    own, from_others = (_factor(gain.mean(1, keepdims=True), gain) for gain in (run.gain, other))
    return {
        name: replace(part, own=part.own * own[part.skill], other=part.other * from_others[part.skill])
        for name, part in run.practised.items()
    }


def _factor(wanted: Array, is_now: Array) -> Array:
    """What turns one value into the other; 1 where that is unknown."""
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = wanted / is_now
    return np.asarray(np.where(np.isfinite(factor), factor, 1.0).astype(np.float32))


def _log_loss(parts: PracticeBySplit, skills: int, level: LevelKind) -> Array:
    fit = start(skills, replace(_TIE, level=level))
    theta = fit.theta.copy()
    theta[:, [curve.LEVEL, curve.TRANSFER]] = 0.0  # the practice as the run counts it
    fit = replace(fit, theta=theta, mean=theta[0].copy())
    fit = fitted(parts["train"].some(_MOST[level], np.random.default_rng(6)), fit)
    return np.concatenate([log_loss(fit, parts[name]) for name in HELD_OUT])


def of_curve_model(fit: Fit, data: Interactions, split: Split, window: int) -> RunPractice:
    """The practice that a fitted learning-curve model counts."""
    gains = fit.gains.astype(np.float32)
    counts = {name: practice_of(data, getattr(split, name), window) for name in SPLITS}
    practised = {
        name: replace(part, own=part.own * gains[part.skill, 0], other=part.other * gains[part.skill, 1])
        for name, part in counts.items()
    }
    return RunPractice(counts, practised, fit.rate, gains[:, 0].astype(np.float64), fit.tie.level)


def of_model(model: GainAKT, data: Interactions, split: Split, windows: dict[str, Windows], rate: Array) -> RunPractice:
    """The practice that a trained model counts; `rate` (S,) are its effective rates, NaN where unknown."""
    counts = {name: practice_of(data, getattr(split, name), windows[name].window) for name in SPLITS}
    practised = {name: _practised(model.encoder2, windows[name], counts[name]) for name in SPLITS}
    level = model.encoder2.level
    kind: LevelKind = "none" if level is None else "student_skill" if level.of_skill else "student"
    return RunPractice(counts, practised, rate, _mean_gains(model.encoder2, windows["train"], len(data.skills)), kind)


@torch.inference_mode()
def losses_without_practice(model: GainAKT, run: RunPractice, windows: dict[str, Windows]) -> Array | None:
    """Held-out log-loss (M,) of a run with a level, if each skill had the same practice for everybody; else None.

    That practice is the mean of the training students'.
    """
    encoder = model.encoder2
    if encoder.level is None:
        return None
    encoder.eval()
    train = run.practised["train"]
    count = np.bincount(train.skill, minlength=len(run.rate))
    practice = np.bincount(train.skill, (train.own + train.other).sum(1), len(run.rate)) / np.maximum(count, 1)
    mean = torch.as_tensor(practice, dtype=encoder.mastery.beta.dtype, device=encoder.mastery.beta.device)
    losses = []
    for name in HELD_OUT:
        for _, batch in windows[name].in_order():
            mastery = encoder.mastery
            argument = mean[batch.asked] - per_skill(mastery.offset, batch.asked) + encoder.level(batch, batch.asked)
            logits = mastery.readout(mastery.saturation[batch.asked] * torch.sigmoid(argument), batch.asked)
            kept = batch.scored
            losses.append(
                metrics.log_losses(batch.target[kept].cpu().numpy(), torch.sigmoid(logits[kept]).cpu().numpy())
            )
    return np.concatenate(losses)


@torch.inference_mode()
def _practised(encoder: Interpretable, windows: Windows, counts: Practice) -> Practice:
    """The practice of the next skill before each interaction, by source and by response."""
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
    sums = [[(fed * (source & right)).sum(-1) for right in (~correct, correct)] for source in (same, ~same)]
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
