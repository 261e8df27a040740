"""The data of a configuration, wherever they come from."""

from gainakt.config import DataConfig
from gainakt.data.interactions import Interactions
from gainakt.data.simulate import simulate
from gainakt.data.sources import read


def load(config: DataConfig) -> Interactions:
    """Interactions of the configured path, or of the simulated class when there is no path; raises InputError."""
    return read(config.path, config) if config.path else simulate(config.simulate, config.seed)
