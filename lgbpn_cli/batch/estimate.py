"""What photos claim in their headers: what a dry run needs to say how long a run takes, and how much memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lgbpn_cli.photos.codec import Size, bytes_of
from lgbpn_cli.photos.decoding_cost import check_size
from lgbpn_cli.photos.header import opened_header
from lgbpn_cli.photos.read import faults_named


@dataclass(frozen=True)
class Claim:
    """A photo that is not decoded."""

    kind: str
    """Name of its codec."""
    size: Size
    file_bytes: int

    @property
    def megapixels(self) -> float:
        """Millions of pixels."""
        return self.size.pixels / 1e6


def claim_of(path: Path) -> Claim | None:
    """Return what the photo claims without decoding it; None where its header does not tell.

    Raises what its reader would raise for its header: PhotoReadError, UnsupportedPhotoError.
    """
    with faults_named(path), opened_header(path) as header:
        claim = Claim(header.codec.name, header.size, bytes_of(header.file))
    return claim if claim.size.pixels else None


def check_claim(path: Path, claim: Claim, max_pixels: int, max_bytes: int) -> None:
    """Return if the photo would be decoded. Raises PhotoReadError for what its reader would refuse for its size."""
    with faults_named(path):
        check_size(claim.size, claim.file_bytes, max_pixels, max_bytes)
