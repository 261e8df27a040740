"""GainAKT workbench: train the dual-encoder knowledge-tracing model and see why its gains collapse."""

__version__ = "0.1.0"
