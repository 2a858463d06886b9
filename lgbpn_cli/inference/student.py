"""One tile through the student, once or as the mean of its views."""

from __future__ import annotations

from collections import defaultdict

import torch
from torch import Tensor

from lgbpn_cli.network.student import Student

View = tuple[int, bool]
"""Quarter turns, and whether the picture is mirrored before."""
VIEWS: tuple[View, ...] = tuple((turns, mirrored) for mirrored in (False, True) for turns in range(4))
"""All eight ways to look at a picture; a network's errors differ between them, and their mean has less of them."""


def views_of(quality: str) -> tuple[View, ...]:
    """Return the views whose mean is the result of this quality."""
    return VIEWS if quality == "best" else VIEWS[:1]


def mean_of_views(network: Student, tile: Tensor, views: tuple[View, ...], batch: int) -> Tensor:
    """Return the mean of the estimates (1, 3, h, w) of a tile, float32; at most `batch` views go in one call.

    Views share a call only where their shapes agree: turned by a quarter, a tile is as high as it was wide.
    """
    if len(views) == 1:
        return network(_seen(tile, views[0]))  # type: ignore[no-any-return]
    of_one_shape: dict[int, list[View]] = defaultdict(list)
    for view in views:
        of_one_shape[view[0] % 2].append(view)
    total = torch.zeros_like(tile, dtype=torch.float32)
    for alike in of_one_shape.values():
        for start in range(0, len(alike), batch):
            together = alike[start : start + batch]
            estimates = network(torch.cat([_seen(tile, view) for view in together]))
            for estimate, view in zip(estimates.split(1), together, strict=True):
                total += _seen_back(estimate, view)
    return total / len(views)


def _seen(tile: Tensor, view: View) -> Tensor:
    turns, mirrored = view
    return torch.rot90(tile.flip(-1) if mirrored else tile, turns, (-2, -1))


def _seen_back(estimate: Tensor, view: View) -> Tensor:
    turns, mirrored = view
    upright = torch.rot90(estimate, -turns, (-2, -1))
    return upright.flip(-1) if mirrored else upright
