"""Dual-encoder GainAKT: encoders, gain heads, mastery and the readout; layers only."""
