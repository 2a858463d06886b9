"""What is sent to workers, and what they answer."""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lgbpn_cli.batch.order import Order
from lgbpn_cli.batch.outcome import Outcome


@dataclass(frozen=True)
class WorkersOrder(Order):
    """What every worker is to do."""

    expected: tuple[str, ...] = ()
    """The settings that results record, model checksums among them, as the client finds them."""


@dataclass(frozen=True)
class Task:
    """One photo of a chunk."""

    source: str
    target: str
    size_bytes: int


@dataclass(frozen=True)
class Answer:
    """Something a worker says about a chunk, as soon as it is so."""

    chunk: int
    began: bool = False
    """The model is ready and the first photo is about to be opened."""
    outcomes: tuple[Outcome, ...] = ()
    """Of photos of the chunk, in the order in which they ended."""
    note: str | None = None
    stuck: str | None = None
    """Why the worker ends itself: a photo takes too long."""


def packed(content: Answer | Sequence[Task]) -> bytes:
    """Return what is sent; schedulers keep the last 1,000 messages of each worker, so they had better be small."""
    return zlib.compress(pickle.dumps(content), 1)


def unpacked(message: bytes) -> Any:
    """Return what `packed` made this of."""
    return pickle.loads(zlib.decompress(message))
