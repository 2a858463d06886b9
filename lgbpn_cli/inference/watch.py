"""Those who are told how a photo is done, while it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lgbpn_cli.image.types import OnTile

if TYPE_CHECKING:
    from lgbpn_cli.inference.plan import Plan


def _nobody(*_: object) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Watch:
    """Who is told what."""

    tile: OnTile = _nobody
    planned: Callable[[Plan], None] = _nobody
    """How the photo will go through the network: device, precision, tiles, memory."""
    note: Callable[[str], None] = _nobody
    """What the user should know now, such as that memory does not suffice."""


UNWATCHED = Watch()
