"""What rows of a run's journal do to the store, gathered row by row; a resumed run takes back its later steps."""

from dataclasses import dataclass, field
from typing import Any

_OF_STEPS = frozenset({"changed", "refused", "checkpointed", "phase", "state"})
"""Events that a run which goes on from an earlier step makes again."""


@dataclass
class Changes:
    """What journal rows do to the store; `columns` are of the run's own row, the lists are rows of tables.

    `events` stand with their numbers. `after` is a moment (step, epoch): what is stored of later ones is taken back
    first.
    """

    columns: dict[str, Any] = field(default_factory=dict)
    series: list[tuple[Any, ...]] = field(default_factory=list)
    events: list[tuple[int, tuple[Any, ...]]] = field(default_factory=list)
    event_count: int = 0
    histograms: list[tuple[Any, ...]] = field(default_factory=list)
    parameters: list[tuple[Any, ...]] = field(default_factory=list)
    metrics: list[tuple[Any, ...]] | None = None
    skills: list[tuple[Any, ...]] | None = None
    dataset: tuple[Any, ...] | None = None
    after: tuple[int, int] | None = None

    def happen(self, event: tuple[Any, ...]) -> None:
        """Add a row of `events`."""
        self.events.append((self.event_count, event))
        self.event_count += 1

    def merge(self, later: "Changes") -> None:
        """Add what a later row does."""
        if later.after is not None:
            self._take_back(later.after)
        self.columns.update(later.columns)
        self.series += later.series
        for _, event in later.events:
            self.happen(event)
        self.histograms += later.histograms
        self.parameters += later.parameters
        self.metrics = self.metrics if later.metrics is None else later.metrics
        self.skills = self.skills if later.skills is None else later.skills
        self.dataset = later.dataset or self.dataset

    def _take_back(self, after: tuple[int, int]) -> None:
        """Forget what came of later steps, and of an evaluation within the epoch that goes on."""
        step, epoch = after
        self.after = after if self.after is None else min(self.after, after)

        def stays(at: int, of: int, evaluated: bool) -> bool:
            return at < step or (at == step and not (evaluated and of >= epoch))

        self.series = [row for row in self.series if stays(row[1], row[2], row[0].startswith(EVALUATED))]
        self.histograms = [row for row in self.histograms if stays(row[1], row[2], row[0] != "train")]
        self.parameters = [row for row in self.parameters if stays(row[1], row[2], True)]
        self.events = [(n, row) for n, row in self.events if not is_taken_back(row[3], row[1], row[2], after)]


EVALUATED = ("validation.", "train_running.", "state.")
"""How the names of series begin that an evaluation records."""


def is_taken_back(kind: str, at: int | None, of: int | None, after: tuple[int, int]) -> bool:
    """Whether an event at a step of an epoch will happen again in a run that goes on after a step, within an epoch.

    A mark names the step it acts on. A checkpoint comes from an evaluation, of this epoch or of one before.
    """
    if kind not in _OF_STEPS or at is None:
        return False
    step, epoch = after
    return at > step or (kind == "checkpointed" and at == step and of is not None and of >= epoch)
