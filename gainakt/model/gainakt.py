"""The dual-encoder model: Encoder 1 predicts, Encoder 2 explains its prediction by gains and mastery."""

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from gainakt.config.model import ModelConfig
from gainakt.data.sequences import Batch
from gainakt.model.dropout import Dropout
from gainakt.model.encoder import Encoder, NoContext
from gainakt.model.heads import make
from gainakt.model.history import FEATURES, history
from gainakt.model.level import Level
from gainakt.model.mastery import Mastery

_SKILL_WIDTH = 16
"""Numbers by which the recurrent Encoder 1 knows the asked skill."""
Part = Literal["trained", "frozen", "removed"]
"""What an encoder does in a pass: learns, runs without a gradient, or does not run (Encoder 1 only)."""


class Output(NamedTuple):
    """What one pass gives; the prediction at step t is for the response of step t + 1."""

    logits1: Tensor
    """Encoder 1's logits (B, T-1); zeros while it is removed."""
    logits2: Tensor
    """Encoder 2's logits (B, T-1)."""
    mastery: Tensor
    """Mastery of the asked skill after step t (B, T-1)."""
    gains: Tensor
    """Gain of the practised skill at each interaction (B, T), in (0, 1)."""
    states: Tensor
    """Encoder 2's output (B, T, D), layer-normed."""
    read: Tensor
    """What the gain head reads (B, T, D): the states, after its dropout if it has one."""


class Performance(nn.Module):
    """Encoder 1: the next response from the history and the asked skill."""

    def __init__(self, config: ModelConfig, skills: int, window: int):
        super().__init__()
        self.encoder = Encoder(config, skills, window)
        self.asked = nn.Embedding(skills, config.width)
        nn.init.normal_(self.asked.weight, std=0.1)
        self.head = nn.Sequential(
            nn.Linear(2 * config.width, config.width), nn.GELU(), Dropout(config.dropout), nn.Linear(config.width, 1)
        )

    def forward(self, batch: Batch) -> Tensor:
        """Logits (B, T-1)."""
        asked, visible = self.asked(batch.asked), batch.last_visible  # (B, T-1, D)
        if visible is None:
            states = self.encoder(batch.skill[:, :-1], batch.response[:, :-1], asked)
        else:  # siblings are asked after the same step, so what is asked enters the head alone
            states = self.encoder(batch.skill[:, :-1], batch.response[:, :-1])
            states = states.gather(1, visible[..., None].expand_as(states))
        logits: Tensor = self.head(torch.cat([states, asked], -1))
        return logits.squeeze(-1)


class Recurrent(nn.Module):
    """Encoder 1 as an LSTM over interactions and counts; the asked skill and what came before it are the query."""

    usual: Tensor

    def __init__(self, config: ModelConfig, skills: int):
        super().__init__()
        width = config.width
        self.register_buffer("usual", torch.full((skills,), 0.5))
        self.interaction = nn.Embedding(2 * skills, width)
        self.asked = nn.Embedding(skills, _SKILL_WIDTH)
        self.easiness = nn.Embedding(skills, 1)
        for table in (self.interaction, self.asked):
            nn.init.normal_(table.weight, std=0.1)
        nn.init.zeros_(self.easiness.weight)
        self.memory = nn.LSTM(width, width, batch_first=True)
        self.drop = Dropout(config.dropout)
        hidden = 2 * width
        self.head = nn.Sequential(
            *(nn.Linear(width + _SKILL_WIDTH + FEATURES, hidden), nn.GELU(), self.drop),
            *(nn.Linear(hidden, hidden), nn.GELU(), self.drop, nn.Linear(hidden, 1)),
        )

    def forward(self, batch: Batch) -> Tensor:
        """Logits (B, T-1)."""
        asked, visible = batch.asked, batch.last_visible
        with torch.autocast(batch.skill.device.type, enabled=False):  # not every CPU has an LSTM in bfloat16
            states, _ = self.memory(self.drop(self.interaction(2 * batch.skill + batch.response)[:, :-1]))
        if visible is not None:
            states = states.gather(1, visible[..., None].expand_as(states))
        query = [self.drop(states), self.asked(asked), history(batch, self.usual)[:, 1:]]
        logits: Tensor = self.head(torch.cat(query, -1)) + self.easiness(asked)
        return logits.squeeze(-1)


class Interpretable(nn.Module):
    """Encoder 2: gains per interaction, practice, mastery; its prediction comes from mastery alone.

    `fit`: `per_skill` (S, 5) by the learning-curve model, where one was fitted; the term `fit` pulls there.
    """

    fit: Tensor | None

    def __init__(self, config: ModelConfig, skills: int, students: int, window: int):
        super().__init__()
        reads = config.gain_head != "skill_response"
        self.encoder = Encoder(config, skills, window) if reads else NoContext(config.width)
        self.gains = make(config, skills)
        self.mastery = Mastery(config, skills, students)
        self.level = None if config.level == "none" else Level(config.level, skills)
        self.drop = Dropout(config.gain_dropout)
        self.register_buffer("fit", None, persistent=False)

    def per_skill(self) -> Tensor:
        """What belongs to a skill (S, 5): gain logits after incorrect and correct responses, offset, M_sat, theta."""
        mastery = self.mastery
        shared = (mastery.offset, mastery.saturation, mastery.threshold)
        columns = [values.expand(len(mastery.beta)) for values in shared]
        return torch.cat([self.gains.response_logits(), torch.stack(columns, 1)], 1)

    def practice(self, read: Tensor, batch: Batch, asked: Tensor) -> Tensor:
        """Practice of the skills in `asked` (B, A), A <= T, after step t (B, A), without a (B, T, S) tensor."""
        steps = asked.shape[1]
        gains = torch.sigmoid(self.gains.pairs(read[:, :steps], batch.response[:, :steps], asked).float())  # (B, A, T)
        fed, visible = gains * self.mastery.transfer_share(asked, batch.skill[:, :steps]), batch.last_visible
        if visible is None or steps != visible.shape[1]:
            return fed.tril().sum(-1)
        return (fed * (torch.arange(steps, device=fed.device) <= visible[..., None])).sum(-1)

    def predict(self, read: Tensor, batch: Batch, asked: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and mastery of the asked skills after step t, both (B, A); `read` is what the gain head reads."""
        level = None if self.level is None else self.level(batch, asked)
        mastery = self.mastery.curve(self.practice(read, batch, asked), asked, batch.student, level)
        return self.mastery.readout(mastery, asked), mastery

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Logits (B, T-1), mastery (B, T-1), practised gains (B, T), states and what the head reads (B, T, D)."""
        states = self.encoder(batch.skill, batch.response)
        read = self.drop(states) if self.drop.p else states
        logits, mastery = self.predict(read, batch, batch.asked)
        gains = torch.sigmoid(self.gains.own(read, batch.response, batch.skill).float())
        return logits, mastery, gains, states, read


class GainAKT(nn.Module):
    """Both encoders over the same interactions; they share no parameter unless `sharing` says so."""

    def __init__(self, config: ModelConfig, skills: int, students: int, window: int):
        super().__init__()
        recurrent = config.encoder1 == "recurrent"
        self.encoder1 = Recurrent(config, skills) if recurrent else Performance(config, skills, window)
        self.encoder2 = Interpretable(config, skills, students, window)
        if config.sharing != "apart":
            assert isinstance(self.encoder1, Performance)
            self.encoder2.encoder.share_with(self.encoder1.encoder, blocks=int(config.sharing == "first_block"))

    def forward(self, batch: Batch, encoder1: Part = "trained", encoder2: Part = "trained") -> Output:
        """Predictions, mastery and gains of a batch; an encoder that is not trained gets no gradient."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and encoder1 == "trained"):
            logits1 = None if encoder1 == "removed" else self.encoder1(batch)
        with torch.set_grad_enabled(torch.is_grad_enabled() and encoder2 == "trained"):
            rest = self.encoder2(batch)
        return Output(torch.zeros_like(rest[0]) if logits1 is None else logits1, *rest)


def aggregate_gains(output: Output) -> Tensor:
    """The origin's scalar "gain" of each interaction (B, T): sigmoid(mean over D of relu(v)).

    For a layer-normed v it is nearly a constant; it enters no prediction and no loss.
    """
    return torch.sigmoid(torch.relu(output.states).mean(-1))
