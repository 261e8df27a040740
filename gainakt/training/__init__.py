"""The training generator, its events and its live control."""
