"""Errors that a user can act on."""


class InputError(ValueError):
    """Bad input from a user: the message says where, what is allowed and what to do."""


class RunFailed(RuntimeError):
    """A training that cannot or must not go on: the message says why, where and what to try."""


class StoreBusy(RuntimeError):
    """Another process holds the store's file; the message names it and says what to do."""
