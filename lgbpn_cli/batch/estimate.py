"""What photos claim in their headers: what a dry run needs to say how long a run takes, and how much memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lgbpn_cli.errors import PhotoReadError, shown
from lgbpn_cli.photos.codec import Size, bytes_of
from lgbpn_cli.photos.decoding_cost import check_size
from lgbpn_cli.photos.faults import CODEC_ERRORS, DamagedFileError, UnsupportedFileError
from lgbpn_cli.photos.header import opened_header


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
    """Return what the photo claims without decoding it; None where its header does not tell."""
    try:
        with opened_header(path) as header:
            claim = Claim(header.codec.name, header.size, bytes_of(header.file))
    except (*CODEC_ERRORS, DamagedFileError, UnsupportedFileError):
        return None  # the run itself will name the cause
    return claim if claim.size.pixels else None


def check_claim(path: Path, claim: Claim, max_pixels: int, max_bytes: int) -> None:
    """Return if the photo would be decoded. Raises PhotoReadError for what its reader would refuse for its size."""
    try:
        check_size(claim.size, claim.file_bytes, max_pixels, max_bytes)
    except DamagedFileError as error:
        raise PhotoReadError(shown(path), error.cause, error.cure) from error
