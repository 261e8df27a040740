"""The dual-encoder model: Encoder 1 predicts, Encoder 2 explains its prediction by gains and mastery."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from gainakt.config import ModelConfig
from gainakt.data.sequences import Batch
from gainakt.model.encoder import Encoder
from gainakt.model.gains import HEADS, aggregate_gain
from gainakt.model.mastery import Mastery


class Output(NamedTuple):
    """What one pass gives; the prediction at step t is for the response of step t + 1."""

    logits1: Tensor
    """Encoder 1's logits (B, T-1)."""
    logits2: Tensor
    """Encoder 2's logits (B, T-1)."""
    mastery: Tensor
    """Mastery of the asked skill after step t (B, T-1)."""
    gains: Tensor
    """Gain of the practised skill at each interaction (B, T), in (0, 1)."""
    states: Tensor
    """Encoder 2's output (B, T, D), layer-normed."""


class Performance(nn.Module):
    """Encoder 1: the next response from the history and the asked skill."""

    def __init__(self, config: ModelConfig, skills: int, window: int):
        super().__init__()
        self.encoder = Encoder(config, skills, window)
        self.asked = nn.Embedding(skills, config.width)
        nn.init.normal_(self.asked.weight, std=0.1)
        self.head = nn.Sequential(
            nn.Linear(2 * config.width, config.width), nn.GELU(), nn.Dropout(config.dropout), nn.Linear(config.width, 1)
        )

    def forward(self, batch: Batch) -> Tensor:
        """Logits (B, T-1)."""
        asked = self.asked(batch.asked)  # (B, T-1, D)
        seen = self.encoder(batch.skill[:, :-1], batch.response[:, :-1], asked)
        logits: Tensor = self.head(torch.cat([seen, asked], -1))
        return logits.squeeze(-1)


class Interpretable(nn.Module):
    """Encoder 2: gains per interaction, practice, mastery; its prediction comes from mastery alone."""

    def __init__(self, config: ModelConfig, skills: int, students: int, window: int):
        super().__init__()
        self.encoder = Encoder(config, skills, window)
        self.gains = HEADS[config.gain_head](config, skills)
        self.mastery = Mastery(config, skills, students)

    def practice(self, states: Tensor, batch: Batch) -> Tensor:
        """Practice of the asked skill after step t (B, T-1): a sum over steps up to t, without a (B, T, S) tensor."""
        seen, fed, practised = states[:, :-1], batch.asked, batch.skill[:, :-1]
        gains = torch.sigmoid(self.gains.pairs(seen, batch.response[:, :-1], fed).float())  # (B, A, T)
        return (gains * self.mastery.share(fed, practised)).tril().sum(-1)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Logits (B, T-1), mastery (B, T-1), practised gains (B, T), states (B, T, D)."""
        states = self.encoder(batch.skill, batch.response)
        mastery = self.mastery.curve(self.practice(states, batch), batch.asked, batch.student)
        logits = self.mastery.readout(mastery, batch.asked)
        gains = torch.sigmoid(self.gains.own(states, batch.response, batch.skill).float())
        return logits, mastery, gains, states


class GainAKT(nn.Module):
    """Both encoders over the same interactions; they share no parameter."""

    def __init__(self, config: ModelConfig, skills: int, students: int, window: int):
        super().__init__()
        self.encoder1 = Performance(config, skills, window)
        self.encoder2 = Interpretable(config, skills, students, window)

    def forward(self, batch: Batch) -> Output:
        """Predictions, mastery and gains of a batch."""
        return Output(self.encoder1(batch), *self.encoder2(batch))


def aggregate_gains(output: Output) -> Tensor:
    """The origin's scalar "gain" of each interaction (B, T)."""
    return aggregate_gain(output.states)
