"""Bands of rows: temporary arrays stay small beside a photo that is worked on band by band."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

T = TypeVar("T")
Result = TypeVar("Result")


def bands(height: int, rows: int) -> list[slice]:
    """Return the rows of a picture in bands of so many, the last one with what is left."""
    return [slice(top, min(top + rows, height)) for top in range(0, height, rows)]


def in_order(pool: Executor, ahead: int, work: Callable[[T], Result], items: Iterable[T]) -> Iterator[Result]:
    """Give what `work` returns for each item, in their order; `ahead` of them are in work or wait to be taken.

    NumPy computes outside of Python's lock, so threads can share the cores.
    """
    begun: deque[Future[Result]] = deque()
    for item in items:
        begun.append(pool.submit(work, item))
        if len(begun) >= ahead:
            yield begun.popleft().result()
    while begun:
        yield begun.popleft().result()
