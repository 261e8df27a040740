"""One pass over a split without dropout: what the model says at every step, and the metrics of it."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from gainakt.data.sequences import Batch, Windows
from gainakt.measures import metrics, registry
from gainakt.measures.predictions import Predictions, Split
from gainakt.model.gainakt import GainAKT, Interpretable, aggregate_gains

_SEED_FORM_STUDENTS = 300
_DENSE = 1_000_000
"""Most entries of a dense (B, T, S) tensor."""


@torch.inference_mode()
def predict(model: GainAKT, windows: Windows) -> Predictions:
    """Predictions, mastery and gains of every window, dropout off."""
    was_training = model.training
    model.eval()
    parts: list[dict[str, Tensor]] = []
    for rows, batch in windows.in_order():
        parts.append(_flat(model, batch, torch.as_tensor(windows.students[rows], device=windows.device)))
    model.train(was_training)
    names = list(parts[0])  # column by column, each part let go of at once: they may be large
    return Predictions(**{name: torch.cat([part.pop(name) for part in parts]).cpu().numpy() for name in names})


def _flat(model: GainAKT, batch: Batch, student: Tensor) -> dict[str, Tensor]:
    output = model(batch)
    scored, valid = batch.scored, batch.valid
    owner = student.int()[:, None].expand_as(valid)  # (B, T)
    followed = torch.nn.functional.pad(scored, (0, 1))
    return {
        "student": owner[:, 1:][scored],
        "asked": batch.asked[scored].int(),
        "target": batch.response[:, 1:][scored].to(torch.int8),
        "p1": torch.sigmoid(output.logits1.float())[scored],
        "p2": torch.sigmoid(output.logits2.float())[scored],
        "mastery": output.mastery.float()[scored],
        "gain": output.gains[valid],
        "gain_student": owner[valid],
        "gain_skill": batch.skill[valid].int(),
        "gain_response": batch.response[valid].to(torch.int8),
        "gain_is_scored": followed[valid],
        "aggregate": aggregate_gains(output).float()[valid],
        **({} if batch.group is None else {"question": batch.group[:, 1:][scored]}),
    }


def measure(predictions: Predictions, skills: int, gain: str = "practised") -> dict[str, float | None]:
    """Measures of one split (`measures.registry`); `gain` names the tensor that gain statistics read."""
    return dict(registry.measure(Split(predictions, skills, gain)))


@torch.inference_mode()
def seed_forms(model: GainAKT, windows: Windows) -> dict[str, float | None]:
    """The seed's own correlations, and the concurrent one, on the first windows of up to 300 students.

    Seed form: per student, Pearson r of mastery (gain) after t, averaged over all skills, with r_t; then the mean over
    students. Concurrent: mastery of q_t after t with r_t, pooled. Both contain the answer; they predict nothing.
    """
    was_training = model.training
    model.eval()
    _, first = np.unique(windows.students, return_index=True)
    columns: dict[str, list[np.ndarray]] = {name: [] for name in ("student", "response", "mastery", "gain", "own")}
    size = max(1, _DENSE // (int(windows.length.max()) * len(model.encoder2.mastery.beta)))
    for rows in np.array_split(first[:_SEED_FORM_STUDENTS], -(-len(first[:_SEED_FORM_STUDENTS]) // size)):
        batch = windows.batch(rows)
        mastery, gain = every_mastery(model.encoder2, batch)  # (B, T, S)
        values = {
            "response": batch.response,
            "mastery": mastery.mean(-1),
            "gain": gain.mean(-1),
            "own": mastery.gather(2, batch.skill[..., None])[..., 0],
            "student": torch.as_tensor(windows.students[rows], device=windows.device)[:, None].expand_as(batch.skill),
        }
        for name, value in values.items():
            columns[name].append(value[batch.valid].cpu().numpy())
    model.train(was_training)
    flat = {name: np.concatenate(parts) for name, parts in columns.items()}
    return {
        "mastery_correlation_seed_form": metrics.correlation_by_student(
            flat["mastery"], flat["response"], flat["student"]
        )[0],
        "gain_correlation_seed_form": metrics.correlation_by_student(flat["gain"], flat["response"], flat["student"])[
            0
        ],
        "mastery_correlation_concurrent": metrics.correlation(flat["own"], flat["response"]),
    }


def every_mastery(encoder: Interpretable, batch: Batch, skills: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Mastery and gains of all S skills (or those in `skills`) after each interaction, (B, T, S), for a few windows."""
    if skills is None:
        skills = torch.arange(len(encoder.mastery.beta), device=batch.skill.device)
    states = encoder.encoder(batch.skill, batch.response)  # (B, T, D)
    gains = torch.sigmoid(encoder.gains.every(states, batch.response, skills).float())  # (B, T, S)
    fed = encoder.mastery.transfer_share(skills.expand(len(batch.skill), -1), batch.skill).transpose(1, 2)  # (B, T, S)
    level = None if encoder.level is None else encoder.level.every(batch, skills)
    return encoder.mastery.curve((gains * fed).cumsum(1), skills, batch.student, level), gains


def skill_table(
    encoder: Interpretable, labels: list[str], *splits: Predictions
) -> tuple[list[dict[str, Any]], dict[str, float | None]]:
    """One row per skill with its effective rate and parameters, from the given splits; and the rates' summary."""
    gain, skill, response = (
        np.concatenate([getattr(s, name) for s in splits]) for name in ("gain", "gain_skill", "gain_response")
    )
    mastery = encoder.mastery
    beta = _values(mastery.beta)
    rate, count, mean_gain = metrics.effective_rate(gain, skill, response, beta, float(mastery.gamma.detach().mean()))
    shared = {
        "m_sat": _values(mastery.saturation),
        "beta": beta,
        "mean_gain": mean_gain,
        "effective_rate": rate,
        "threshold": np.broadcast_to(_values(mastery.threshold), beta.shape),
        "offset": np.broadcast_to(_values(mastery.offset), beta.shape),
    }
    rows = [
        {"skill": label, "interactions": int(count[s])}
        | {name: None if np.isnan(column[s]) else float(column[s]) for name, column in shared.items()}
        for s, label in enumerate(labels)
    ]
    rated = int((~np.isnan(rate)).sum())
    return rows, {"rate_cv": metrics.cv(rate), "rate_skills": float(rated), "rate_left_out": float(len(rate) - rated)}


def parameters(encoder: Interpretable) -> dict[str, dict[str, Any]]:
    """Mean, std and 101 quantiles (0 to 100 %) of each interpretable parameter."""
    kept = ("beta", "gamma", "saturation", "threshold", "offset", "temperature", "transfer")
    table = {}
    for name in kept:
        values = _values(getattr(encoder.mastery, name))
        quantiles = np.quantile(values, np.linspace(0, 1, 101))
        table[name] = {
            "mean": float(values.mean()),
            "std": float(values.std()),
            "quantiles": [float(f"{q:.6g}") for q in quantiles],
        }
    return table


def _values(parameter: Tensor) -> np.ndarray:
    return parameter.detach().cpu().numpy().astype(np.float64)
