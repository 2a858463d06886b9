"""Thumbnails in metadata show the result, and no bytes of the noisy one are left, whatever the type of the file."""

from __future__ import annotations

import base64
import io
import shutil
import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from photo_samples import PhotoMaker, noise, smooth
from PIL import Image

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.photos.convert import as_result
from lgbpn_cli.photos.jpeg.codec import JpegContainer
from lgbpn_cli.photos.jpeg.segments import APP0, Segment, split_jpeg
from lgbpn_cli.photos.metadata.exif import EXIF_POINTER, longs, pack_directory, read_tags, shorts, text
from lgbpn_cli.photos.metadata.thumbnail import in_exif, in_resources, in_xmp, without_thumbnail
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.tiff.directory import read_directory, read_directory_at
from lgbpn_cli.photos.write import write_photo


def jpeg_of(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


EXIFTOOL = shutil.which("exiftool")
NOISY = jpeg_of(noise((90, 120, 3)))
SECRET = NOISY[300:400]


def exif_with_thumbnail(order: str = "<", picture: bytes = NOISY, *, behind: bytes = b"") -> bytes:
    """A blob with a maker's name, ISO, and a thumbnail, followed by other bytes."""
    inner = pack_directory(order, [shorts(34855, 800, order=order)], 8)
    place = 8 + len(inner)
    first = pack_directory(order, [text(271, "Maker of cameras"), longs(EXIF_POINTER, 8, order=order)], place)
    thumb = place + len(first)
    tags = [shorts(259, 6, order=order), longs(513, 0, order=order), longs(514, len(picture), order=order)]
    tags[1] = longs(513, thumb + len(pack_directory(order, tags, thumb)), order=order)
    blob = bytearray(
        (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, place) + inner + first
    )
    struct.pack_into(order + "I", blob, place + 2 + 2 * 12, thumb)
    return bytes(blob) + pack_directory(order, tags, thumb) + picture + behind


def thumbnail_in(exif: bytes) -> Image.Image | None:
    """The thumbnail behind the second directory."""
    file = io.BytesIO(exif)
    first = read_directory(file, len(exif))
    if not first.next_offset:
        return None
    second = read_directory_at(file, len(exif), first.order, False, first.next_offset)
    tags = {
        tag.tag: int.from_bytes(tag.data, "little" if first.order == "<" else "big")
        for tag in read_tags(file, second)
    }
    return Image.open(io.BytesIO(exif[tags[513] : tags[513] + tags[514]]))


def looks_like(thumbnail: Image.Image | None, photo: Photo) -> bool:
    if thumbnail is None or max(thumbnail.size) > 160:
        return False
    small = np.asarray(thumbnail.convert("RGB")).astype(float)
    pixels = photo.pixels if photo.pixels.dtype == np.uint8 else photo.pixels >> 8
    wanted = Image.fromarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)).astype(np.uint8))
    return bool(np.abs(small - np.asarray(wanted.resize(thumbnail.size, Image.Resampling.BOX))).mean() < 8)


def gradient(height: int, width: int) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows * 255 // height, columns * 255 // width, 0 * rows + 90], axis=2).astype(np.uint8)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("behind", [b"", b"bytes of a maker note"])
@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "avif"])
def test_every_type_gets_the_results_thumbnail(
    tmp_path: Path, ending: str, order: str, behind: bytes
) -> None:
    exif = exif_with_thumbnail(order, behind=behind)
    path = tmp_path / f"photo.{ending}"
    Image.fromarray(gradient(300, 400)).save(path, exif=b"Exif\0\0" + exif)
    photo = read_photo(path)
    assert photo.metadata.exif is not None
    if ending == "avif":  # whose writer takes EXIF apart
        photo = replace(photo, metadata=replace(photo.metadata, exif=exif))
    assert SECRET in exif
    write_photo(photo, tmp_path / "result")
    data = (tmp_path / "result").read_bytes()
    assert not any(NOISY[at : at + 16] in data for at in range(200, len(NOISY) - 16, 16))
    result = read_photo(tmp_path / "result")
    assert result.metadata.exif is not None
    assert looks_like(thumbnail_in(result.metadata.exif), photo)
    assert behind in result.metadata.exif
    with Image.open(tmp_path / "result") as image:
        assert image.getexif()[271] == "Maker of cameras"
        assert image.getexif().get_ifd(EXIF_POINTER)[34855] == 800


@pytest.mark.skipif(EXIFTOOL is None, reason="exiftool is not installed")
def test_exiftool_finds_the_thumbnail_and_nothing_wrong(make_jpeg: PhotoMaker, tmp_path: Path) -> None:
    photo = read_photo(make_jpeg(exif=b"Exif\0\0" + exif_with_thumbnail(">"), icc_profile=None))
    write_photo(photo, tmp_path / "result.jpg")
    command = [EXIFTOOL or "", "-b", "-ThumbnailImage", str(tmp_path / "result.jpg")]
    found = subprocess.run(command, capture_output=True, check=True)
    assert looks_like(Image.open(io.BytesIO(found.stdout)), photo)
    assert found.stderr == b""


@pytest.mark.parametrize("wanted", ["png", "jpeg", "tiff"])
def test_converted_photos_show_no_noisy_thumbnail(make_jpeg: PhotoMaker, tmp_path: Path, wanted: str) -> None:
    photo = read_photo(make_jpeg(exif=b"Exif\0\0" + exif_with_thumbnail()))
    write_photo(as_result(photo, OutputConfig(format=wanted)), tmp_path / "result")
    assert SECRET not in (tmp_path / "result").read_bytes()


def test_deep_grey_and_linear_photos_have_thumbnails_too(tmp_path: Path) -> None:
    exif = exif_with_thumbnail()
    deep = gradient(300, 400).astype(np.uint16) * 257
    for pixels in (deep, deep[..., :1].copy(), gradient(200, 100)[..., :1].copy()):
        photo = Photo(tmp_path, pixels, None, "png", 1)
        assert looks_like(thumbnail_in(in_exif(exif, photo) or b""), photo)
    light = Photo(tmp_path, np.full((40, 60, 3), 0.214, np.float32), None, "tiff", 1, linear=True)
    thumbnail = thumbnail_in(in_exif(exif, light) or b"")
    assert thumbnail is not None
    assert abs(float(np.asarray(thumbnail).mean()) - 127.5) < 2
    assert thumbnail.size == (60, 40)


def test_a_blob_without_thumbnail_stays_byte_for_byte(tmp_path: Path) -> None:
    photo = Photo(tmp_path, smooth(40, 60), None, "png", 1)
    blob = (
        b"II*\0" + struct.pack("<I", 8) + pack_directory("<", [text(271, "Maker")], 8) + b"what lies behind"
    )
    for exif in (None, b"", b"no exif", blob):
        assert in_exif(exif, photo) == exif


def test_where_the_blob_may_not_grow_the_thumbnail_is_left_out(tmp_path: Path) -> None:
    exif = exif_with_thumbnail(picture=jpeg_of(noise((8, 8, 3))))
    photo = Photo(tmp_path, smooth(300, 400), None, "jpeg", 1)
    cut = in_exif(exif, photo, len(exif))
    assert cut is not None
    assert thumbnail_in(cut) is None
    assert len(cut) < len(exif)


def test_a_thumbnail_that_claims_the_bytes_of_other_tags_harms_none_of_them(tmp_path: Path) -> None:
    exif = bytearray(exif_with_thumbnail())
    place = exif.find(struct.pack("<HHI", 513, 4, 1))
    struct.pack_into("<I", exif, place + 8, 8)
    cut = without_thumbnail(bytes(exif))
    found = Image.Exif()
    found.load(b"Exif\0\0" + cut)
    assert found[271] == "Maker of cameras"
    assert found.get_ifd(EXIF_POINTER)[34855] == 800


def test_uncompressed_thumbnails_go_too(tmp_path: Path) -> None:
    strip = noise((3000,)).tobytes()
    exif = bytearray(exif_with_thumbnail(picture=strip))
    for old, new in ((513, 273), (514, 279)):
        struct.pack_into("<H", exif, exif.find(struct.pack("<HHI", old, 4, 1)), new)
    photo = Photo(tmp_path, gradient(300, 400), None, "jpeg", 1)
    result = in_exif(bytes(exif), photo) or b""
    assert strip[100:200] not in result
    assert looks_like(thumbnail_in(result), photo)


def resource(number: int, data: bytes) -> bytes:
    return b"8BIM" + struct.pack(">HHI", number, 0, len(data)) + data + bytes(len(data) % 2)


def test_photoshops_thumbnail_goes_and_all_other_resources_stay() -> None:
    before, after = resource(1028, b"iptc!"), resource(1061, bytes(16))
    assert (
        in_resources(before + resource(1036, NOISY) + resource(1033, NOISY) + after + b"?")
        == before + after + b"?"
    )
    assert in_resources(b"8BIM\4\14\0\0\xff\xff\xff\xff") == b""
    assert in_resources(b"") == b""


def test_xmps_thumbnail_goes() -> None:
    head = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    begin = f'{head}<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="3">'
    picture = base64.b64encode(NOISY).decode()
    thumbnail = f"<xmp:Thumbnails><rdf:Alt><rdf:li>{picture}</rdf:li></rdf:Alt></xmp:Thumbnails>"
    end = "</rdf:Description></rdf:RDF></x:xmpmeta>"
    assert in_xmp((begin + thumbnail + end).encode()) == (begin + end).encode()
    assert in_xmp((begin + end).encode()) == (begin + end).encode()


def test_jfifs_own_thumbnails_go(make_jpeg: PhotoMaker, tmp_path: Path) -> None:
    photo = read_photo(make_jpeg())
    container = photo.container
    assert isinstance(container, JpegContainer)
    small = noise((10, 10, 3)).tobytes()
    segments = (
        Segment(APP0, b"JFIF\0\1\2\0\0\1\0\1\12\12" + small),
        Segment(APP0, b"JFXX\0\x10" + NOISY),
        *container.segments[1:],
    )
    write_photo(replace(photo, container=replace(container, segments=segments)), tmp_path / "result.jpg")
    found = split_jpeg((tmp_path / "result.jpg").read_bytes()).segments
    assert [s.payload for s in found if s.marker == APP0] == [b"JFIF\0\1\2\0\0\1\0\1\0\0"]


def test_previews_behind_a_camera_jpeg_show_the_result(make_jpeg: PhotoMaker, tmp_path: Path) -> None:
    first = make_jpeg(size=(300, 400), quality=70).read_bytes()

    def index(offset: int) -> bytes:
        """An index of two pictures, of which the second is a large thumbnail (CIPA DC-007)."""
        entries = struct.pack("<3IHH", 0x20030000, 0, 0, 0, 0) + struct.pack(
            "<3IHH", 0x10001, len(NOISY), offset, 0, 0
        )
        tags = ((0xB000, 7, 4, 0x30303130), (0xB001, 4, 1, 2), (0xB002, 7, 32, 8 + 42))
        directory = struct.pack("<H", 3) + b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)
        payload = b"MPF\0II*\0" + struct.pack("<I", 8) + directory + entries
        return b"\xff\xe2" + struct.pack(">H", len(payload) + 2) + payload

    length = len(first) + len(index(0))
    path = tmp_path / "two.jpg"
    path.write_bytes(first[:2] + index(length - 10) + first[2:] + NOISY)
    photo = read_photo(path)
    write_photo(photo, tmp_path / "result.jpg")
    data = (tmp_path / "result.jpg").read_bytes()
    assert SECRET not in data
    with Image.open(tmp_path / "result.jpg") as image:
        assert getattr(image, "n_frames", 1) == 2
        image.seek(1)
        assert image.size == (120, 90)
        assert looks_like(image.copy(), photo)


def test_smaller_versions_in_a_tiff_are_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "photo.tif"
    big, small = gradient(300, 400), noise((75, 100, 3))
    with tifffile.TiffWriter(path) as writer:
        tags = [(34377, "B", None, resource(1028, b"iptc!!") + resource(1036, NOISY), True)]
        writer.write(big, photometric="rgb", extratags=tags, metadata=None)
        writer.write(small, photometric="rgb", subfiletype=1, metadata=None)
        writer.write(small[..., 0] > 99, photometric="minisblack", subfiletype=5, metadata=None)
    photo = read_photo(path)
    assert photo.notes == ("page 3 of 3 stays as it is: a mask",)
    write_photo(photo, tmp_path / "result.tif")
    with tifffile.TiffFile(tmp_path / "result.tif") as result:
        assert np.array_equal(result.pages[0].asarray(), big)
        assert np.abs(result.pages[1].asarray().astype(int) - gradient(75, 100)).mean() < 4
        assert np.array_equal(result.pages[2].asarray(), small[..., 0] > 99)
        assert result.pages[0].tags[34377].value == resource(1028, b"iptc!!")
    data = (tmp_path / "result.tif").read_bytes()
    assert SECRET not in data
    assert small.tobytes()[900:1000] not in data


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_smaller_versions_inside_a_page_are_made_anew(
    tmp_path: Path, big: bool, compression: str | None
) -> None:
    """Pyramids, and thumbnails behind the SubIFDs tag; what is no picture of samples there stays as it is."""
    source, result, pixels = tmp_path / "a.tif", tmp_path / "b.tif", noise((120, 160, 3))
    heights = np.full((60, 80), 200, np.float32)
    with tifffile.TiffWriter(source, bigtiff=big) as writer:
        common = {"compression": compression, "metadata": None}
        writer.write(pixels, photometric="rgb", subifds=3, **common)
        writer.write(pixels[::2, ::2], photometric="rgb", subfiletype=1, **common)
        writer.write(heights, photometric="minisblack", subfiletype=1, **common)
        writer.write(pixels[::4, ::4], photometric="rgb", subfiletype=1, **common)
    photo = read_photo(source)
    assert photo.notes == (
        "picture 2 inside page 1 stays as it is: a preview with transparency or floating-point samples",
    )
    write_photo(replace(photo, pixels=np.full_like(photo.pixels, 90)), result)
    with tifffile.TiffFile(result) as file:
        inside = [page.asarray() for page in file.pages[0].pages]
        assert np.array_equal(file.pages[0].asarray(), np.full_like(pixels, 90))
    assert [page.shape for page in inside] == [(60, 80, 3), (60, 80), (30, 40, 3)]
    assert np.array_equal(inside[1], heights)
    assert all((inside[index] == 90).all() for index in (0, 2))
    if compression is None:  # no bytes of the old ones are left
        assert pixels[::2, ::2].tobytes()[:300] not in result.read_bytes()


def test_a_smaller_version_that_cannot_be_made_anew_stays_and_is_named(tmp_path: Path) -> None:
    path = tmp_path / "photo.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(gradient(300, 400), photometric="rgb", metadata=None)
        writer.write(noise((75, 100, 4)), photometric="separated", subfiletype=1, metadata=None)
    assert "stays as it is" in read_photo(path).notes[0]
