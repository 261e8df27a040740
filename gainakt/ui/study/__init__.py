"""The parts of the Study page."""
