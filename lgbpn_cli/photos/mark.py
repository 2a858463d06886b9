"""What this program leaves of itself in a result: its own record, and what other programs can read of it."""

from __future__ import annotations

from dataclasses import dataclass

from lgbpn_cli.photos.metadata.exif import with_software
from lgbpn_cli.photos.metadata.xmp_history import with_event
from lgbpn_cli.photos.metadata.xmp_origin import with_origin


@dataclass(frozen=True)
class Mark:
    """The same in every format; where it goes is each format's business."""

    text: str
    """The record as one line of ASCII, for this program's own later runs."""
    software: str
    """Name and version, for the Software tag of photos that have none yet."""
    source: str = ""
    """What tells the contents of the photo from all others; empty where that is not known."""

    def in_xmp(self, xmp: bytes | None) -> bytes:
        """Return the XMP packet with this run added to the photo's history, and with the photo as its origin."""
        changed = with_event(xmp, self.software, self.text)
        return with_origin(changed, self.source, self.text) if self.source else changed

    def in_exif(self, exif: bytes | None) -> bytes:
        """Return the EXIF blob with the Software tag, unless it has one."""
        return with_software(exif, self.software)
