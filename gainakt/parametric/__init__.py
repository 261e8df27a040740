"""The light stand-in: a learning curve over counts of practice, fitted in seconds, shrunken by empirical Bayes."""
