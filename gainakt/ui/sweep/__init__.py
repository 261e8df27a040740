"""Sweeps on a page: the plan, how far it is, what the settings do.

May import `config`, `store`, `jobs` and other parts of `ui`; no training, no torch.
"""
