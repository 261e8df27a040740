"""From what the store holds of a run to a diagnosis, a next step and a written report. Starts no training."""
