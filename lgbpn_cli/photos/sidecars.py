"""Sidecars of a photo: what they say of it goes along with its result, what they do to a raw file's pixels does not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from lgbpn_cli.errors import PhotoReadError, shown
from lgbpn_cli.photos.faults import one_line
from lgbpn_cli.photos.metadata.xmp_packet import Packet, Property, joined, read_packet
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.raw.endings import is_raw_name

XMP_SUFFIXES = (".xmp", ".XMP", ".Xmp")
DEVELOPING_SUFFIXES = {
    ".pp3": "RawTherapee's",
    ".arp": "ART's",
    ".dop": "DxO's",
    ".on1": "ON1's",
    ".vrd": "Canon's",
    ".dr4": "Canon's",
    ".acr": "Lightroom's",
    ".ufraw": "UFRaw's",
    ".aae": "Apple's",
}
"""Files of developing settings and nothing else."""
DEVELOPING_FOLDERS = {
    ("NKSC_PARAM", ".nksc"): "Nikon's",
    ("CaptureOne/Settings*", ".cos"): "Capture One's",
    ("SILKYPIX_DS", ".spd"): "Silkypix's",
}
"""The same in folders of their own beside the photos, called as the photo is, its ending included."""
DARKTABLE = "http://darktable.sf.net/"
CAMERA_RAW = "http://ns.adobe.com/camera-raw-settings/1.0/"
HISTORIES = {
    DARKTABLE: "darktable's",
    "http://ns.nikon.com/nine/1.0/": "Nikon's",
    "http://www.bibblelabs.com/DigitalMasterFile/1.0/": "AfterShot's",
    "http://www.bibblelabs.com/BibbleToplevel/5.0/": "AfterShot's",
}
"""Namespaces of settings for the samples of the raw file itself: levels, crop, demosaicing."""
COLOUR_LABELS = "colorlabels"
"""What darktable notes in its own namespace about the photo and not about its pixels."""
RENDERED_SETTINGS = {CAMERA_RAW: "Lightroom's"}
"""Settings for a camera's light: as true of a DNG as of the raw file, but not of a picture that is developed."""
PACKET_BEGIN = b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
PACKET_END = b'\n<?xpacket end="w"?>'
"""ISO 16684-1, 7.3.2."""
XML_DECLARATION = re.compile(rb"^(?:\xef\xbb\xbf)?<\?xml[^>]*\?>\s*")
MAX_SIDECAR_BYTES = 1 << 24
MAX_DUPLICATES = 99
"""Of one photo in darktable, whose sidecars are IMG_1_01.NEF.xmp and so on."""


def with_sidecar(photo: Photo) -> Photo:
    """Return a raw photo with its sidecar's description inside, and notes of what stays behind.

    Some programs, Lightroom among them, read what is inside a DNG alone. Raises PhotoReadError, naming the sidecar.
    """
    notes = list(photo.notes)
    xmp = photo.metadata.xmp
    for path, _ in xmp_sidecars(photo.path, photo.path):
        if not is_file(path) or path.stat().st_size > MAX_SIDECAR_BYTES:
            continue
        described, left = description_of(_contents(path), developed=False)
        notes += [
            f"{path.name}: {owner} develop history stays behind: it is for the raw file" for owner in left
        ]
        if described is not None:
            xmp = _as_packet(described) if xmp is None else _overlaid(xmp, described)
        break
    notes += settings_left(photo.path, "the raw file")
    return replace(photo, metadata=replace(photo.metadata, xmp=xmp), notes=tuple(notes))


def settings_left(path: Path, made_for: str) -> tuple[str, ...]:
    """Return a line for each file of develop settings beside a photo: they do not go along with its result."""
    return tuple(
        f"{found.relative_to(path.parent)} stays behind: {owner} settings are for {made_for}"
        for found, owner in _develop_settings(path)
    )


def _develop_settings(path: Path) -> Iterator[tuple[Path, str]]:
    """Return the files of settings for developing this raw file, and whose they are."""
    for suffix, owner in DEVELOPING_SUFFIXES.items():
        for name in (path.name, path.stem):
            spellings = (path.with_name(name + each) for each in (suffix, suffix.upper()))
            if (found := next(filter(is_file, spellings), None)) is not None:
                yield found, owner
    for (folders, suffix), owner in DEVELOPING_FOLDERS.items():
        if path.parent.joinpath(Path(folders).parts[0]).is_dir():
            for folder in path.parent.glob(folders):
                if is_file(folder / (path.name + suffix)):
                    yield folder / (path.name + suffix), owner


def description_of(xmp: bytes, *, developed: bool) -> tuple[bytes | None, list[str]]:
    """Return XMP without develop settings that are not for the result, None where nothing is left, and whose they were.

    For a result that is `developed`, settings for a camera's light are not either. What is not XMP comes back as it is.
    """
    packet = read_packet(xmp)
    if packet is None:
        return xmp, []
    owners = HISTORIES | RENDERED_SETTINGS if developed else HISTORIES
    unwanted = [each for each in packet.properties if each.namespace in owners and each.name != COLOUR_LABELS]
    left = sorted({owners[each.namespace] for each in unwanted if not _is_bookkeeping(each, packet)})
    if not unwanted:
        return xmp, []
    if len(unwanted) == len(packet.properties):
        return None, left
    return packet.without(unwanted), left


def sidecar_for(sidecar: Path, source: Path, target: Path) -> bytes | None:
    """Return what a photo's sidecar becomes beside its result; None where nothing is left of it.

    Raises PhotoReadError.
    """
    xmp = _contents(sidecar)
    if not is_raw_name(source.name) or len(xmp) > MAX_SIDECAR_BYTES:
        return xmp
    return description_of(xmp, developed=not is_raw_name(target.name))[0]


def _contents(sidecar: Path) -> bytes:
    try:
        return sidecar.read_bytes()
    except OSError as error:
        cause = f"this sidecar cannot be read ({one_line(error.strerror or error)})"
        raise PhotoReadError(
            shown(sidecar), cause, "Check its permissions, or take it out of the folder."
        ) from error


def xmp_sidecars(source: Path, target: Path) -> Iterator[tuple[Path, Path]]:
    """Return pairs of paths, by both customs: IMG_1.xmp and IMG_1.NEF.xmp; then those of darktable's duplicates.

    Their endings may be written in small letters, in capitals, or as the photo's is not: IMG_1.nef.XMP.
    """
    spellings = {source.with_suffix(each) for each in (source.suffix.lower(), source.suffix.upper())}
    others = [each for each in sorted(spellings - {source}) if not is_file(each)]  # whose own they would be
    for suffix in XMP_SUFFIXES:
        for name in (source.name, *(each.name for each in others)):
            yield source.with_name(name + suffix), target.with_name(target.name + suffix)
        yield source.with_name(source.stem + suffix), target.with_name(target.stem + suffix)
    if is_file(source.with_name(f"{source.name}.xmp")):
        for number in range(1, MAX_DUPLICATES + 1):
            old, new = (path.with_name(f"{path.stem}_{number:02}{path.suffix}") for path in (source, target))
            if not is_file(old):  # whose own sidecar it would be
                yield old.with_name(f"{old.name}.xmp"), new.with_name(f"{new.name}.xmp")


def broken_sidecars(path: Path) -> tuple[str, ...]:
    """Return words about sidecars of a photo that are links to nothing, and so cannot be copied."""
    named = {sidecar for sidecar, _ in xmp_sidecars(path, path)}
    return tuple(
        f"its sidecar {sidecar.name} is a broken link, and is left out"
        for sidecar in sorted(named)
        if _is_link(sidecar) and not is_file(sidecar)
    )


def _is_link(path: Path) -> bool:
    with suppress(OSError):
        return path.is_symlink()
    return False


def is_file(path: Path) -> bool:
    """Return whether there is such a file; with a suffix, a name can be too long for the file system."""
    with suppress(OSError):
        return path.is_file()
    return False


def _overlaid(xmp: bytes, later: bytes) -> bytes:
    """Return the first packet with the properties of the later one, which count where both have one."""
    old, new = read_packet(xmp), read_packet(later)
    if new is None:
        return xmp
    if old is None:
        return later
    told = {(each.namespace, each.name) for each in new.properties if not _is_empty(each, new)}
    empty = [each for each in new.properties if (each.namespace, each.name) not in told]
    kept = old.without([each for each in old.properties if (each.namespace, each.name) in told])
    return joined(kept, new.without(empty))


def _as_packet(xmp: bytes) -> bytes:
    """Return a sidecar's XMP as it lies inside files: between processing instructions, without XML's declaration."""
    if read_packet(xmp) is None or b"<?xpacket" in xmp:
        return xmp
    return PACKET_BEGIN + XML_DECLARATION.sub(b"", xmp, count=1) + PACKET_END


def _is_empty(part: Property, packet: Packet) -> bool:
    text = packet.text(part)
    return text.endswith((b'=""', b"=''", b"/>")) and not text.rstrip(b"/>").endswith(b">")


def _is_bookkeeping(part: Property, packet: Packet) -> bool:
    """Return whether a property only says that there are no settings."""
    return part.name.endswith("_timestamp") or _is_empty(part, packet)
