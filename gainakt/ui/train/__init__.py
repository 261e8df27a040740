"""The parts of the Train page: setting up, watching, steering."""
