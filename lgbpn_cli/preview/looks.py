"""What is shown of each place: the ways to denoise a photo, with the flags that give them."""

from __future__ import annotations

from dataclasses import dataclass

from lgbpn_cli.config import Quality
from lgbpn_cli.config.look import Look

QUALITIES: tuple[Quality, ...] = ("fast", "best")
"""What is shown side by side of a student."""


@dataclass(frozen=True)
class ShownLook:
    """One way to denoise a photo."""

    name: str
    look: Look
    flags: tuple[str, ...]
    """What asks `lgbpn denoise` for it."""


def _strength(share: float) -> ShownLook:
    return ShownLook(f"{share:.0%}", Look(share, share), ("--strength", f"{share:g}"))


STRENGTHS = (
    ShownLook("auto", Look(), ()),
    _strength(0.4),
    _strength(0.7),
    _strength(1.0),
)
ONE_ALONE = (
    ShownLook("brightness only", Look(1.0, 0.0), ("--luma", "1", "--chroma", "0")),
    ShownLook("colour only", Look(0.0, 1.0), ("--luma", "0", "--chroma", "1")),
)


def looks_for(channels: int) -> tuple[ShownLook, ...]:
    """Return what is shown of a photo with so many channels: one without colour has no luma and chroma apart."""
    return STRENGTHS if channels == 1 else STRENGTHS + ONE_ALONE


def qualities_for(own: Quality) -> tuple[Quality, ...]:
    """Return the qualities that are shown, a model's own first: a teacher has one."""
    return QUALITIES if own in QUALITIES else (own,)
