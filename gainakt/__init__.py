"""GainAKT workbench: train the dual-encoder knowledge-tracing model and see why its gains collapse."""

import os

__version__ = "0.1.0"

# Before torch loads its OpenMP: threads that wait by spinning halt a training several-fold as soon as anything else,
# the dashboard of the same process included, wants a core.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
