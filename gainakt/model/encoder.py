"""Causal transformer encoder over interactions."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gainakt.config.model import ModelConfig
from gainakt.model.dropout import Dropout


class Block(nn.Module):
    """Pre-norm causal self-attention and feed-forward, both residual."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.heads = config.heads
        self.norm_attention = nn.LayerNorm(config.width)
        self.attention = nn.Linear(config.width, 3 * config.width)
        self.mix = nn.Linear(config.width, config.width)
        self.norm_feedforward = nn.LayerNorm(config.width)
        self.expand = nn.Linear(config.width, config.feedforward)
        self.contract = nn.Linear(config.feedforward, config.width)
        self.drop = Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, D); step t sees steps up to t."""
        batch, steps, width = x.shape
        qkv = self.attention(self.norm_attention(x)).view(batch, steps, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)  # (B, H, T, D / H) each
        # No dropout on the attention weights: with it the CPU has no fused kernel, and a step takes twice as long.
        attended = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.drop(self.mix(attended.transpose(1, 2).reshape(batch, steps, width)))  # (B, T, D)
        fed: Tensor = self.drop(self.contract(F.gelu(self.expand(self.norm_feedforward(x)))))
        return x + fed


class Encoder(nn.Module):
    """Embeds interactions, adds what else is known at each step, and runs the blocks; the output is layer-normed."""

    def __init__(self, config: ModelConfig, skills: int, window: int):
        super().__init__()
        self.skill = nn.Embedding(skills, config.width)
        self.interaction = nn.Embedding(2 * skills, config.width)
        self.position = nn.Embedding(window, config.width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.blocks))
        self.norm = nn.LayerNorm(config.width)
        self.drop = Dropout(config.dropout)
        for table in (self.skill, self.interaction, self.position):
            nn.init.normal_(table.weight, std=0.02 if table is self.position else 0.1)

    def share_with(self, other: "Encoder", blocks: int) -> None:
        """Use the other encoder's embeddings and first `blocks` blocks in place of one's own."""
        self.skill, self.interaction, self.position = other.skill, other.interaction, other.position
        for place in range(blocks):
            self.blocks[place] = other.blocks[place]

    def forward(self, skill: Tensor, response: Tensor, extra: Tensor | None = None) -> Tensor:
        """Skills and responses (B, T), optional extra input (B, T, D) -> (B, T, D), causal."""
        steps = torch.arange(skill.shape[1], device=skill.device)
        x = self.skill(skill) + self.interaction(2 * skill + response) + self.position(steps)  # (B, T, D)
        if extra is not None:
            x = x + extra
        x = self.drop(x)
        for block in self.blocks:
            x = block(x)
        normed: Tensor = self.norm(x)
        return normed


class NoContext(Encoder):
    """In the place of an encoder whose output nobody reads: zeros (B, T, D)."""

    def __init__(self, width: int):
        nn.Module.__init__(self)
        self.width = width

    def forward(self, skill: Tensor, response: Tensor, extra: Tensor | None = None) -> Tensor:
        """Skills and responses (B, T) -> (B, T, D)."""
        return torch.zeros(*skill.shape, self.width, device=skill.device)
