"""What is known of the skills before training: a fitted curve model, their difficulty, their groups from a file."""

import csv
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from gainakt.config import Config
from gainakt.curve_model.counts import practice_of
from gainakt.curve_model.fit import Fit
from gainakt.curve_model.fit import start as start_of_fit
from gainakt.curve_model.kept import fitted_once
from gainakt.curve_model.scaled import scaled
from gainakt.curve_model.stored import tie_of
from gainakt.data.interactions import Interactions
from gainakt.errors import InputError
from gainakt.model.gainakt import GainAKT, Interpretable, Recurrent
from gainakt.model.heads import hierarchical
from gainakt.model.mastery import BOUNDS, Mastery

MOST_STUDENTS = {"none": 20_000, "student": 20_000, "student_skill": 3_000}
"""Training students that the learning-curve model is fitted to at most, drawn by the run's seed, for each level."""
LARGEST_GAIN = 0.98
_AT_ONCE = 10_000_000
_SKILL_STD = 3.0
"""Prior std of a skill's easiness in logits; a student's ability has 1."""


def prepare(model: GainAKT, config: Config, data: Interactions, train: NDArray[np.integer]) -> None:
    """Put into a fresh model what the configuration says is known of the skills; `train` are the training students."""
    usual = torch.as_tensor(usual_share(data, train), dtype=torch.float32)
    if isinstance(model.encoder1, Recurrent):
        model.encoder1.usual.copy_(usual)
    if model.encoder2.level is not None:
        with torch.no_grad():
            model.encoder2.level.usual.copy_(torch.logit(usual))
    if config.model.fitted:
        some = _some(train, MOST_STUDENTS[config.model.level], config.training.seed)
        practice = practice_of(data, some, config.data.window)
        adopt(model.encoder2, fitted_once(practice, start_of_fit(len(data.skills), tie_of(config))))
    if config.model.prior == "irt":
        start(model.encoder2.mastery, easiness(data, train))
    head = model.encoder2.gains.unwrapped()
    if isinstance(head, hierarchical.Head) and head.given:
        head.assign(torch.as_tensor(groups(config, data.skills), device=head.member.device))


def usual_share(data: Interactions, train: NDArray[np.integer]) -> NDArray[np.float64]:
    """Share of correct responses (S,) of each skill among the training students, shrunken to that of all skills."""
    trains = np.zeros(len(data.students), bool)
    trains[train] = True
    correct, count = np.zeros(len(data.skills)), np.zeros(len(data.skills))
    for begin in range(0, len(data), _AT_ONCE):
        some = slice(begin, begin + _AT_ONCE)
        of_them = trains[data.student[some]]
        skill, right = data.skill[some][of_them], data.response[some][of_them] > 0
        count += np.bincount(skill, minlength=len(count))
        correct += np.bincount(skill[right], minlength=len(count))
    return np.asarray((correct + 2 * (correct.sum() + 1) / (count.sum() + 2)) / (count + 2))


def _some(train: NDArray[np.integer], most: int, seed: int) -> NDArray[np.integer]:
    if len(train) <= most:
        return train
    return np.sort(np.random.default_rng([seed, 5]).choice(train, most, replace=False))


@torch.no_grad()
def adopt(encoder: Interpretable, fit: Fit) -> None:
    """Start Encoder 2 at the fit's curves, all skills with one gain, and keep what the term `fit` draws a skill to.

    As far as its parameters and their bounds allow. The fit knows M_sat / T and theta / T alone: T is the fit's where
    it is learned, and stays at its start else. Where one number serves all skills, it becomes the mean of theirs.
    """
    mastery, units = encoder.mastery, scaled(fit)
    learned = mastery.temperature.requires_grad
    unit = 1.0 if learned else float(mastery.temperature) / units.temperature
    beta = 1.0 if mastery.identified else min(units.beta, BOUNDS["beta"][1])
    gain = np.clip(units.gain * (units.beta / beta), 1e-4, LARGEST_GAIN)
    starts = {
        "beta": np.full(len(gain), beta),
        "saturation": units.saturation * unit,
        "offset": units.offset,
        "threshold": units.threshold * unit,
    }
    if mastery.accumulation == "transfer":
        starts["transfer"] = units.transfer.mean(1) / units.gain.mean(1)
    if learned:
        starts["temperature"] = np.array([units.temperature])
    for name, values in starts.items():
        parameter = getattr(mastery, name)
        wanted = values if len(parameter) == len(values) else values.mean(keepdims=True)
        parameter.copy_(torch.as_tensor(wanted, dtype=parameter.dtype))
    mastery.constrain()
    logits = torch.logit(torch.as_tensor(gain, dtype=mastery.beta.dtype, device=mastery.beta.device))
    encoder.gains.skill_logits().fill_(float(logits.mean()))
    encoder.fit = torch.cat([logits, encoder.per_skill()[:, 2:]], 1)


def easiness(data: Interactions, train: NDArray[np.integer]) -> NDArray[np.float64]:
    """Rasch easiness (S,), the logit of a correct first attempt of a mean student, from the training students.

    A logistic regression on student and skill with Gaussian priors; a skill that no one tried gets the mean.
    """
    trains = np.isin(data.student, train)
    student, skill, response = data.student[trains].astype(np.int64), data.skill[trains], data.response[trains]
    _, first = np.unique(student * len(data.skills) + skill, return_index=True)
    student, skill, response = np.unique(student[first], return_inverse=True)[1], skill[first], response[first]
    rows, people = np.arange(len(first)), int(student.max()) + 1
    if response.min() == response.max():
        return np.full(len(data.skills), 3.0 if response.max() else -3.0)
    values = np.concatenate([np.ones(len(first)), np.full(len(first), _SKILL_STD)])
    places = np.concatenate([rows, rows]), np.concatenate([student, people + skill])
    design = csr_matrix((values, places), shape=(len(first), people + len(data.skills)))
    fit = LogisticRegression(solver="newton-cg", tol=1e-6).fit(design, response)
    ability, skills = fit.coef_[0, :people], _SKILL_STD * fit.coef_[0, people:]
    return np.asarray(fit.intercept_[0] + ability.mean() + skills, dtype=np.float64)


@torch.no_grad()
def start(mastery: Mastery, logits: NDArray[np.float64]) -> None:
    """Thresholds (or offsets, where one threshold serves all) such that unpractised skills are answered at `logits`."""
    wanted = torch.as_tensor(logits, dtype=mastery.beta.dtype, device=mastery.beta.device) * mastery.temperature
    if len(mastery.threshold) == len(wanted):
        mastery.threshold.copy_(mastery.saturation * torch.sigmoid(-mastery.offset) - wanted)
    else:
        share = (mastery.threshold + wanted) / mastery.saturation
        mastery.offset.copy_(-torch.logit(share, eps=0.02))
    mastery.constrain()


def groups(config: Config, skills: list[str]) -> NDArray[np.int64]:
    """Group index (S,) of every skill, from the file `model.groups_path`.

    Raises InputError that names the file and what is missing or too much in it.
    """
    path, most = Path(config.model.groups_path), config.model.experts
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"model.groups_path: {path} cannot be read ({error})") from None
    if not rows or not {"skill", "group"} <= set(rows[0]):
        raise InputError(f"model.groups_path: {path} needs a header with skill and group, and a row per skill")
    group_of = {str(row["skill"]).strip(): str(row["group"]).strip() for row in rows}
    missing = [label for label in skills if label not in group_of]
    if missing:
        raise InputError(f"model.groups_path: {path} has no group for {len(missing)} skill(s), such as {missing[0]!r}")
    names = sorted({group_of[label] for label in skills})
    if len(names) > most:
        raise InputError(f"model.groups_path: {path} names {len(names)} groups; set model.experts to that (now {most})")
    return np.array([names.index(group_of[label]) for label in skills], dtype=np.int64)
