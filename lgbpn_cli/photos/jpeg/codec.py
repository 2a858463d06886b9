"""JPEG photos: decode the picture alone, and put a new one between the original segments."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.photos.codec import NEW_FILE_QUALITY, Codec, NewFiles, Size, bytes_of
from lgbpn_cli.photos.contents import Contents, contents, is_zero
from lgbpn_cli.photos.faults import (
    DamagedFileError,
    UnsupportedFileError,
    check_size,
)
from lgbpn_cli.photos.jpeg.beside import beside_photo, with_own_previews
from lgbpn_cli.photos.jpeg.decode import Decoded, decode_picture
from lgbpn_cli.photos.jpeg.encode import encode_picture, encoder_bytes
from lgbpn_cli.photos.jpeg.metadata import metadata_of, segments_for, with_own_thumbnails, with_provenance
from lgbpn_cli.photos.jpeg.multipicture import move_pictures
from lgbpn_cli.photos.jpeg.segments import (
    APP0,
    APP14,
    COMMENT,
    END,
    FRAMES,
    START,
    START_OF_SCAN,
    Frame,
    JpegFile,
    Segment,
    parse_frame,
    split_jpeg,
    walk_segments,
)
from lgbpn_cli.photos.mark import Mark
from lgbpn_cli.photos.metadata.companions_in_file import PICTURE, PICTURES, alone
from lgbpn_cli.photos.metadata.given_profile import is_linear
from lgbpn_cli.photos.metadata.orientation import UPRIGHT, exif_orientation
from lgbpn_cli.photos.photo import Container, Photo

MARK_PREFIX = b"lgbpn "
"""Beginning of the COM segment that holds the tool's own mark."""
SUBSAMPLINGS: dict[tuple[float, float], str] = {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0"}
"""What the encoder can do, by how much coarser the colour is across and down."""
TAIL_BYTES = 1 << 20
"""So many zeros behind a picture are what is left of a file that was laid out larger, and mean nothing."""
COARSE_COLOUR_BELOW = 90
"""Quality below which colour is stored at half the resolution, as most programs do."""
BYTES_A_COEFFICIENT = 2
"""In a progressive one they stay until the last scan."""
COPIES = 3
"""Of the file's own bytes, or parts of it, that reading holds in memory."""


@dataclass(frozen=True)
class JpegContainer(Container):
    """What a new picture is coded with, and what goes around it."""

    segments: tuple[Segment, ...]
    trailer: bytes
    """What follows the picture: further pictures, a phone's film or notes."""
    picture_bytes: int
    """Size of the source without the trailer."""
    tables: tuple[tuple[int, ...], ...]
    """Quantisation tables in the components' order, in rows of 8."""
    subsampling: str
    progressive: bool
    stored_as_rgb: bool
    """The components are red, green and blue instead of brightness and colour."""

    def for_a_corner(self) -> JpegContainer:
        """Return it without the trailer, which is written as it is and can be a whole film."""
        return replace(self, trailer=b"")


def read_jpeg(file: BinaryIO, path: Path, max_pixels: int) -> Photo:
    """Return the first picture of a JPEG file.

    Raises DamagedFileError when any of it is missing, UnsupportedFileError for CMYK.
    """
    _check_frame(file, max_pixels)
    data = contents(file)
    parts = split_jpeg(data)
    _check_kind(parts.frame, max_pixels)
    picture = decode_picture(parts)
    metadata = metadata_of(parts.segments, len(parts.frame.components))
    trailer = _trailer(data, parts.end)
    beside = beside_photo(parts.segments, trailer, alone(metadata.xmp)[1])
    return Photo(
        path=path,
        pixels=picture.pixels,
        alpha=None,
        format="jpeg",
        orientation=UPRIGHT if metadata.exif is None else exif_orientation(metadata.exif),
        metadata=metadata,
        linear=is_linear(metadata.icc),
        beside=beside,
        notes=_notes_of(beside),
        container=JpegContainer(
            segments=parts.segments,
            trailer=trailer,
            picture_bytes=parts.end,
            tables=_tables(parts, picture),
            subsampling=_subsampling(parts.frame),
            progressive=parts.frame.progressive,
            stored_as_rgb=_stored_as_rgb(parts),
        ),
        damage=picture.damage,
    )


def _notes_of(beside: frozenset[str]) -> tuple[str, ...]:
    """Return what the user should know of further pictures, which stay in a JPEG of the photo."""
    if PICTURE in beside:
        return (f"its {PICTURE} stays as it is, with its noise",)
    return tuple(
        f"its {name} stay as they are, with their noise" for name in beside if name.endswith(PICTURES)
    )


def write_jpeg(photo: Photo, file: BinaryIO, mark: Mark | None) -> None:
    """Write the photo's pixels, coded as its source was, between its source's segments.

    Raises EncodingError.
    """
    container = photo.container
    if not isinstance(container, JpegContainer):
        raise TypeError("a JPEG photo without its container cannot be written")
    coding = encode_picture(
        photo.pixels,
        container.tables,
        container.subsampling,
        progressive=container.progressive,
        stored_as_rgb=container.stored_as_rgb,
    )
    segments = with_own_thumbnails(container.segments, photo)
    if mark is not None:
        segments = [segment for segment in segments if not _is_mark(segment)]
        segments = with_provenance(segments, mark)
        segments.append(Segment(COMMENT, MARK_PREFIX + mark.text.encode("ascii")))
    picture_bytes = len(START) + sum(len(s.packed()) for s in segments) + sum(map(len, coding)) + len(END)
    grown_bytes = picture_bytes - container.picture_bytes
    file.write(START)
    position = len(START)
    for segment in segments:
        # Positions of further pictures count from the segment that lists them, which may have moved itself.
        shift_bytes = grown_bytes - (position - segment.offset)
        packed = move_pictures(segment, picture_bytes, shift_bytes).packed()
        file.write(packed)
        position += len(packed)
    file.writelines(coding)
    file.write(END)
    trailer = with_own_previews(container.trailer, container.segments, container.picture_bytes, photo)
    file.write(trailer)


def read_jpeg_mark(file: BinaryIO) -> str | None:
    """Return the tool's own mark, or None; looks at the segments before the picture data only."""
    file.seek(len(START))
    for marker, payload in walk_segments(file):
        if marker == START_OF_SCAN:
            return None
        if _is_mark(segment := Segment(marker, payload)):
            return segment.payload[len(MARK_PREFIX) :].decode("ascii", "replace")
    return None


def _check_frame(file: BinaryIO, max_pixels: int) -> None:
    """Look for the picture's header near the file's start, so that no bomb is read in whole."""
    file.seek(len(START))
    for marker, payload in walk_segments(file):
        if marker in FRAMES:
            _check_kind(parse_frame(marker, payload), max_pixels)
        if marker in FRAMES or marker == START_OF_SCAN:
            return


def _check_kind(frame: Frame, max_pixels: int) -> None:
    _check_colours(frame)
    check_size(frame.width, frame.height, max_pixels)


def _check_colours(frame: Frame) -> None:
    count = len(frame.components)
    if count == 4:
        raise UnsupportedFileError(
            "a JPEG with CMYK colours, a printer's inks, which the network has not learned"
        )
    if count not in (1, 3):
        raise UnsupportedFileError(f"a JPEG with {count} colour components")


def _trailer(data: Contents, begin: int) -> bytes:
    """Return what follows the picture; nothing where that is a long row of zeros."""
    if len(data) - begin > TAIL_BYTES and is_zero(data, begin):
        return b""
    return data[begin:]


def _tables(parts: JpegFile, picture: Decoded) -> tuple[tuple[int, ...], ...]:
    try:
        return tuple(tuple(picture.quantisation[component.table]) for component in parts.frame.components)
    except KeyError as error:
        raise DamagedFileError("it lacks one of its quantisation tables") from error


def _subsampling(frame: Frame) -> str:
    """Return the colour subsampling to write; full colour where the encoder does not know the source's."""
    if len(frame.components) == 1:
        return "4:4:4"
    light, *colour = frame.components
    ratios = {(light.across / part.across, light.down / part.down) for part in colour}
    return SUBSAMPLINGS.get(ratios.pop(), "4:4:4") if len(ratios) == 1 else "4:4:4"


def _stored_as_rgb(parts: JpegFile) -> bool:
    """Return what libjpeg concludes about the meaning of three components."""
    names = tuple(component.name for component in parts.frame.components)
    if len(names) != 3:
        return False
    if any(s.marker == APP0 and s.payload[:5] == b"JFIF\0" and len(s.payload) >= 14 for s in parts.segments):
        return False
    for segment in parts.segments:
        if segment.marker == APP14 and segment.payload[:5] == b"Adobe" and len(segment.payload) >= 12:
            return segment.payload[11] == 0
    return bytes(names) == b"RGB"


def _is_mark(segment: Segment) -> bool:
    return segment.marker == COMMENT and segment.payload.startswith(MARK_PREFIX)


def jpeg_size(file: BinaryIO, path: Path) -> Size:
    """Return what the frame's header claims. Raises DamagedFileError, UnsupportedFileError for CMYK."""
    file.seek(len(START))
    for marker, payload in walk_segments(file):
        if marker in FRAMES:
            frame = parse_frame(marker, payload)
            _check_colours(frame)
            pixels, count = frame.width * frame.height, len(frame.components)
            kept = BYTES_A_COEFFICIENT * frame.coefficients if frame.progressive else 0
            needed = pixels * count + kept + COPIES * bytes_of(file)
            return Size(pixels, needed, channels=count)
    return Size(0, 0)


def tables_of(quality: int, channels: int) -> tuple[tuple[int, ...], ...]:
    """Return the quantisation tables, one a component, that libjpeg uses for this quality."""
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG", quality=quality)
    found = JpegImageFile(io.BytesIO(buffer.getvalue())).quantization
    light, colour = tuple(found[0]), tuple(found[1])
    return (light,) if channels == 1 else (light, colour, colour)


def new_container(photo: Photo, output: OutputConfig) -> tuple[JpegContainer, tuple[str, ...]]:
    """Return how a photo of another kind becomes a JPEG, and names of metadata that it cannot hold."""
    quality = output.jpeg_quality or NEW_FILE_QUALITY
    segments, left_out = segments_for(photo.metadata)
    container = JpegContainer(
        segments=segments,
        trailer=b"",
        picture_bytes=0,
        tables=tables_of(quality, photo.pixels.shape[2]),
        subsampling="4:2:0" if quality < COARSE_COLOUR_BELOW else "4:4:4",
        progressive=False,
        stored_as_rgb=False,
    )
    return container, left_out


def adapted_container(photo: Photo, output: OutputConfig) -> Container | None:
    """Return a JPEG's container with another quality or without metadata, where the options ask for it."""
    container = photo.container
    if not isinstance(container, JpegContainer):
        return container
    if output.jpeg_quality is not None:
        container = replace(container, tables=tables_of(output.jpeg_quality, photo.pixels.shape[2]))
    if output.strip_metadata:
        segments, _ = segments_for(photo.metadata)
        container = replace(container, segments=segments, trailer=b"", stored_as_rgb=False)
    return container


JPEG = Codec(
    name="jpeg",
    endings=(".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".jfi", ".mpo"),
    signatures=(b"\xff\xd8\xff",),
    size=jpeg_size,
    mark=read_jpeg_mark,
    read=read_jpeg,
    new=NewFiles(
        write=write_jpeg,
        encoder_bytes=encoder_bytes,
        longest_side_px=65_500,
        container=new_container,
        transparency=False,
        iptc=True,
        quality=True,
        strips_itself=True,
        adapted=adapted_container,
    ),
)
