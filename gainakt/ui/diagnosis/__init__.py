"""The parts of the Diagnosis page."""
