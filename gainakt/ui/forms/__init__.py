"""Widgets made from the configuration, and choosing a run."""
