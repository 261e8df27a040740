"""Memory and load of the card that a training runs on, for its curves; nothing on a CPU."""

import math
import time

import torch

_APART = 1.0
"""Seconds between two looks: asking for the load takes a moment."""


class Card:
    """What is recorded of a CUDA device now and then."""

    def __init__(self, device: torch.device):
        self.device, self.next = device, -math.inf

    def values(self) -> dict[str, float]:
        """`device.memory` in GiB, what torch holds; `device.load`, the share of the last second in which it computed.

        Empty on other devices and within a second of the last look; the load is missing without `nvidia-ml-py`, or
        where the card does not tell it.
        """
        if self.device.type != "cuda" or time.monotonic() < self.next:
            return {}
        self.next = time.monotonic() + _APART
        memory = {"device.memory": torch.cuda.memory_reserved(self.device) / 2**30}
        try:
            return {**memory, "device.load": torch.cuda.utilization(self.device) / 100}
        except Exception:  # the package is missing, or one of the driver's many errors: a curve less, no run less
            return memory
