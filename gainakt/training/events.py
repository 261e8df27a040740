"""What a training tells the world: frozen events, in the order in which they happen.

`as_row` gives the plain dict that goes into a run's journal; the store knows events only in that form.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True)
class Event:
    """Base of all events; `kind` names the type in the journal."""

    kind: ClassVar[str]

    def as_row(self) -> dict[str, Any]:
        """The event's own values, not copies, `kind` first."""
        return {"kind": self.kind, **vars(self)}


@dataclass(frozen=True)
class Started(Event):
    """Data are read and the model stands; `skills` are the file's own labels, in the model's order."""

    kind: ClassVar[str] = "started"
    device: str
    versions: dict[str, str]
    data: dict[str, Any]
    skills: list[str]
    steps_per_epoch: int
    max_epochs: int
    parameters: int


@dataclass(frozen=True)
class Stepped(Event):
    """Scalars of one optimiser step, or of the steps since the last one recorded."""

    kind: ClassVar[str] = "step"
    step: int
    epoch: int
    values: dict[str, float | None]


@dataclass(frozen=True)
class GainHistograms(Event):
    """Histograms of practised-skill gains in (0, 1): equal bins, overall and per skill index."""

    kind: ClassVar[str] = "gains"
    step: int
    epoch: int
    split: str
    counts: list[int]
    skills: dict[int, list[int]]


@dataclass(frozen=True)
class Evaluated(Event):
    """Metrics at the end of an epoch and percentiles of the learned parameters (`mean`, `std`, `quantiles`)."""

    kind: ClassVar[str] = "evaluated"
    step: int
    epoch: int
    values: dict[str, float | None]
    parameters: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Changed(Event):
    """A setting changed while the run trained; it acts from `step` on."""

    kind: ClassVar[str] = "changed"
    step: int
    epoch: int
    field: str
    old: Any
    new: Any
    who: str


@dataclass(frozen=True)
class Checkpointed(Event):
    """An encoder reached its best validation AUC and was saved to `file` in the run's folder."""

    kind: ClassVar[str] = "checkpointed"
    step: int
    epoch: int
    encoder: str
    auc: float
    file: str
    sha256: str


@dataclass(frozen=True)
class Finished(Event):
    """The end of a run that reached its end or was stopped; `results` maps split -> metric -> value."""

    kind: ClassVar[str] = "finished"
    status: str
    reason: str
    step: int
    epochs: int
    best_epoch: dict[str, int]
    seconds: float
    train_interactions_per_second: float | None
    results: dict[str, dict[str, float | None]]
    skills: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class PhaseBegan(Event):
    """From `step` on the encoders do this: trained, frozen or removed."""

    kind: ClassVar[str] = "phase"
    step: int
    epoch: int
    encoder1: str
    encoder2: str


@dataclass(frozen=True)
class Refused(Event):
    """A requested change that is not allowed, and why; nothing changed."""

    kind: ClassVar[str] = "refused"
    step: int
    field: str
    value: Any
    reason: str
    who: str


@dataclass(frozen=True)
class StateKept(Event):
    """The whole state after `step` was kept, from which the training can be resumed or branched."""

    kind: ClassVar[str] = "state"
    step: int
    epoch: int
    why: str
    sha256: str


@dataclass(frozen=True)
class Resumed(Event):
    """The training goes on from its state after `step`: what was recorded of later steps is taken back."""

    kind: ClassVar[str] = "resumed"
    step: int
    epoch: int


@dataclass(frozen=True)
class Paused(Event):
    """The training ended after `step` with its state kept, to be resumed; nothing was evaluated for it."""

    kind: ClassVar[str] = "paused"
    step: int
    epoch: int
    who: str
