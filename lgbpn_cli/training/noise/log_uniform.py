"""Random numbers that are drawn evenly on a logarithmic scale: doubling is as likely anywhere."""

from __future__ import annotations

import math

import numpy as np


def log_uniform(random: np.random.Generator, least: float, most: float) -> float:
    """Return a number from `least`, above 0, to `most`."""
    return math.exp(random.uniform(math.log(least), math.log(most)))
