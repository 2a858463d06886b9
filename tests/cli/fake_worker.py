"""What a `dask worker` of the tests loads first: the fake network, and what else its environment asks for."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import Any

import fake_network

OTHER_CHECKSUM = "FAKE_CHECKSUM"
"""Environment variable: the checksum of all models there."""


def load_another_model(*words: Any, **options: Any) -> fake_network.FakeModel:
    """A model of the same name with other weights."""
    return replace(load_model(*words, **options), sha256=os.environ[OTHER_CHECKSUM])


load_model = fake_network.load_model


def dask_setup(worker: object) -> None:
    """What dask calls when the worker starts; tests that import this file's names stay as they are."""
    if OTHER_CHECKSUM in os.environ:
        fake_network.load_model = load_another_model
    fake_network.install(sys.modules.__setitem__)
