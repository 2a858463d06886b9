"""What lies beside a photo in its file: kept with its own type, left behind and named by any other."""

from __future__ import annotations

import io
import json
import shutil
import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from photo_samples import PhotoMaker, noise, smooth
from PIL import Image

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.photos.convert import as_result
from lgbpn_cli.photos.heif.items import pictures_in
from lgbpn_cli.photos.jpeg.metadata import segments_for
from lgbpn_cli.photos.metadata.companions_in_file import alone
from lgbpn_cli.photos.metadata.exif import exif_turned, packed_within, split_exif
from lgbpn_cli.photos.metadata.xmp_packet import joined, parted, read_packet
from lgbpn_cli.photos.photo import Metadata
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.record import Record
from lgbpn_cli.photos.write import write_photo

HEAD = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
TAIL = "</rdf:RDF></x:xmpmeta>"
CAMERA = 'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/"'
TITLE = '<dc:title xmlns:dc="http://purl.org/dc/elements/1.1/">kept &gt; &lt;</dc:title>'
EXIFTOOL = shutil.which("exiftool")
RECORD = Record("0.1.0", "model", "{}")


def packet(attributes: str, elements: str = "") -> bytes:
    return (
        f'{HEAD}<rdf:Description rdf:about="" {attributes}>{TITLE}{elements}</rdf:Description>{TAIL}'.encode()
    )


def container(*semantics: str) -> str:
    items = "".join(
        f'<rdf:li rdf:parseType="Resource"><C:Item I:Mime="x" I:Semantic="{name}" I:Length="9"/></rdf:li>'
        for name in semantics
    )
    return (
        '<C:Directory xmlns:C="http://ns.google.com/photos/1.0/container/" '
        f'xmlns:I="http://ns.google.com/photos/1.0/container/item/"><rdf:Seq>{items}</rdf:Seq></C:Directory>'
    )


PROMISES = {
    "motion photo": (packet(f'{CAMERA} GCamera:MotionPhoto="1" GCamera:MotionPhotoVersion="1"'), {"video"}),
    "single quotes, another prefix": (
        packet(f"{CAMERA.replace('GCamera', 'g')} g:MicroVideo = '1'"),
        {"video"},
    ),
    "as an element": (packet(CAMERA, "<GCamera:MicroVideoOffset>12</GCamera:MicroVideoOffset>"), {"video"}),
    "directory": (packet("", container("Primary", "GainMap", "MotionPhoto")), {"HDR gain map", "video"}),
    "gain map": (
        packet(
            'xmlns:h="http://ns.adobe.com/hdr-gain-map/1.0/" h:Version="1.0"',
            "<h:GainMapMax>3</h:GainMapMax>",
        ),
        {"HDR gain map"},
    ),
    "depth": (
        packet('xmlns:GDepth="http://ns.google.com/photos/1.0/depthmap/" GDepth:Near="1"', "<GDepth:Data/>"),
        {"depth map"},
    ),
    "a thumbnail": (
        packet('xmlns:xmp="http://ns.adobe.com/xap/1.0/"', "<xmp:Thumbnails><rdf:Alt/></xmp:Thumbnails>"),
        set(),
    ),
}


@pytest.mark.parametrize("name", PROMISES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_xmp_loses_what_it_says_of_other_pictures_and_nothing_else(name: str, encoding: str) -> None:
    xmp, kinds = PROMISES[name]
    found, named = alone(xmp.decode().encode(encoding))
    assert named == kinds
    assert found is not None
    for word in (
        b"MotionPhoto",
        b"MicroVideo",
        b"GainMap",
        b"Version",
        b"Item",
        b"Near",
        b"Data",
        b"Thumbnails",
    ):
        assert word not in found
    assert TITLE.encode() in found
    assert read_packet(found) is not None


@pytest.mark.parametrize(
    "xmp", [None, b"", b"no xmp", b"<a><b></a>", packet(""), b"<!DOCTYPE a []><a/>" + packet("")]
)
def test_xmp_without_such_words_stays_byte_for_byte(xmp: bytes | None) -> None:
    assert alone(xmp) == (xmp, frozenset())


def test_other_words_of_the_same_namespace_stay() -> None:
    xmp = packet(f'{CAMERA} GCamera:BurstID="7"')
    assert alone(xmp) == (xmp, frozenset())


TRAILERS = {
    "the film of a Huawei": (struct.pack(">I", 24) + b"ftypmp42" + bytes(99) + b"LIVE_1032", "its video"),
    "a Samsung's sound": (b"\0\0\1\1\x0d\0\0\0SoundShot_000" + b"s" * 99 + b"SEFT", "its sound"),
    "a Samsung's depth": (b"\0\0\1\x0a\x13\0\0\0DualShot_DepthMap_1" + b"d" * 99 + b"SEFT", "its depth map"),
    "a maker's own": (b"vendor" * 20, "its data behind the picture"),
    "padding": (b"\r\n" + bytes(4000), ""),
}


@pytest.mark.parametrize("name", TRAILERS)
def test_what_makers_put_behind_a_picture_is_named_where_it_stays_behind(
    make_jpeg: PhotoMaker, name: str
) -> None:
    trailer, named = TRAILERS[name]
    path = make_jpeg()
    path.write_bytes(path.read_bytes() + trailer)
    notes = as_result(read_photo(path), OutputConfig(format="png")).notes
    assert [note for note in notes if note.startswith("left behind")] == (
        [f"left behind: {named}"] if named else []
    )
    assert as_result(read_photo(path), OutputConfig()).notes == ()


def motion_jpeg(make_jpeg: PhotoMaker) -> Path:
    xmp = PROMISES["directory"][0]
    path = make_jpeg(xmp=xmp)
    with path.open("ab") as file:
        file.write(struct.pack(">I", 24) + b"ftypmp42" + bytes(12) + b"the film")
    return path


@pytest.mark.parametrize("wanted", ["avif", "png", "tiff", "webp", "preserve"])
def test_a_film_is_kept_by_its_own_type_and_named_by_others(
    make_jpeg: PhotoMaker, tmp_path: Path, wanted: str
) -> None:
    photo = read_photo(motion_jpeg(make_jpeg))
    ready = as_result(photo, OutputConfig(format=wanted))
    write_photo(ready, tmp_path / "result")
    data = (tmp_path / "result").read_bytes()
    kept = wanted == "preserve"
    assert (b"the film" in data) is kept
    assert (b"MotionPhoto" in data) is kept
    assert ready.notes == (() if kept else ("left behind: its HDR gain map, its video",))


def test_stripping_names_what_goes_with_the_metadata(make_jpeg: PhotoMaker) -> None:
    ready = as_result(read_photo(motion_jpeg(make_jpeg)), OutputConfig(strip_metadata=True))
    assert ready.notes == ("left behind: its HDR gain map, its video",)


def test_the_second_eye_is_named(data_root: Path) -> None:
    photo = read_photo(data_root / "cases/jfif_mpo/stereo.mpo")
    assert as_result(photo, OutputConfig()).notes == ("its second picture stays as it is, with its noise",)
    assert as_result(photo, OutputConfig(format="png")).notes == ("left behind: its second picture",)


def test_three_pictures_of_an_mpo_are_counted(tmp_path: Path) -> None:
    pictures = [Image.fromarray(smooth(40, 60)) for _ in range(3)]
    pictures[0].save(tmp_path / "a.mpo", save_all=True, append_images=pictures[1:])
    photo = read_photo(tmp_path / "a.mpo")
    assert as_result(photo, OutputConfig()).notes == (
        "its 2 further pictures stay as they are, with their noise",
    )
    assert as_result(photo, OutputConfig(format="png")).notes == ("left behind: its 2 further pictures",)


def packed_box(kind: bytes, contents: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(contents), kind) + contents


def with_box_in_index(avif: bytes, box: bytes) -> bytes:
    """One more box at the end of a one-picture AVIF's `meta`, behind which its picture moves."""
    place = avif.index(b"meta") - 4
    (length,) = struct.unpack_from(">I", avif, place)
    changed = bytearray(avif[: place + length] + box + avif[place + length :])
    struct.pack_into(">I", changed, place, length + len(box))
    offset = avif.index(b"iloc") + 4 + 4 + 4 + 6
    (begin,) = struct.unpack_from(">I", changed, offset)
    struct.pack_into(">I", changed, offset, begin + len(box))
    return bytes(changed)


@pytest.mark.parametrize(
    ("kind", "contents", "name"),
    [
        (b"infe", b"\2\0\0\0\0\2\0\0tmap\0", "HDR gain map"),
        (b"auxC", bytes(4) + b"urn:mpeg:mpegB:cicp:systems:auxiliary:depth\0", "depth map"),
        (b"mpvd", b"film", "video"),
    ],
)
def test_what_an_avif_holds_besides_is_named(tmp_path: Path, kind: bytes, contents: bytes, name: str) -> None:
    """Maps are told by its index, films by a box behind the picture."""
    path, box = tmp_path / "a.avif", packed_box(kind, contents)
    Image.fromarray(np.full((40, 60, 3), 90, np.uint8)).save(path)
    assert as_result(read_photo(path), OutputConfig()).notes == ()
    plain = path.read_bytes()
    path.write_bytes(plain + box if kind == b"mpvd" else with_box_in_index(plain, box))
    assert as_result(read_photo(path), OutputConfig()).notes == (f"left behind: its {name}",)


def test_a_jpeg_xls_gain_map_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jxl"
    picture = imagecodecs.jpegxl_encode(smooth(40, 60), lossless=True, usecontainer=True)
    path.write_bytes(bytes(picture) + packed_box(b"jhgm", bytes(20)))
    assert as_result(read_photo(path), OutputConfig()).notes == ("left behind: its HDR gain map",)


def test_a_heics_gain_map_is_named(data_root: Path) -> None:
    photo = read_photo(data_root / "phone-highiso/aux_YCbCr.heic")
    assert as_result(photo, OutputConfig()).notes == ("left behind: its HDR gain map",)


@pytest.mark.parametrize(
    ("name", "notes"),
    [
        ("two_pictures", ("left behind: its second picture",)),
        ("three_pictures", ("left behind: its 2 further pictures",)),
        ("with_thumbnail", ()),
    ],
)
def test_an_avifs_further_pictures_are_named(repo_root: Path, name: str, notes: tuple[str, ...]) -> None:
    # Made with: heif-enc -A -q 50 0.png 1.png, the same with 2.png, and heif-enc -A -t 32 -q 50 0.png.
    photo = read_photo(repo_root / f"tests/golden/{name}.avif")
    assert as_result(photo, OutputConfig()).notes == notes


def test_tiles_and_maps_of_an_avif_are_no_further_pictures() -> None:
    """A grid of two tiles, with a gain map that nothing hides, and an alpha plane."""
    kinds = [b"grid", b"av01", b"av01", b"av01", b"av01", b"tmap", b"Exif"]
    entries = b"".join(
        packed_box(b"infe", struct.pack(">IHH4sx", 2 << 24, 1 + i, 0, kind)) for i, kind in enumerate(kinds)
    )
    references = (
        packed_box(b"dimg", struct.pack(">HHHH", 1, 2, 2, 3))
        + packed_box(b"dimg", struct.pack(">HHHH", 6, 2, 1, 4))
        + packed_box(b"auxl", struct.pack(">HHH", 5, 1, 1))
    )
    index = (
        packed_box(b"pitm", struct.pack(">IH", 0, 1))
        + packed_box(b"iinf", struct.pack(">IH", 0, len(kinds)) + entries)
        + packed_box(b"iref", bytes(4) + references)
    )
    assert pictures_in(io.BytesIO(packed_box(b"meta", bytes(4) + index))) == 1
    unbound = index.replace(b"auxl", b"free")
    assert pictures_in(io.BytesIO(packed_box(b"meta", bytes(4) + unbound))) == 2


def large_xmp(properties: int, each_bytes: int) -> bytes:
    words = "".join(f"<p:n{i}>{'abc' * (each_bytes // 3)}</p:n{i}>" for i in range(properties))
    return packet('xmlns:p="private" p:small="here"', words)


@pytest.mark.skipif(EXIFTOOL is None, reason="exiftool is not installed")
def test_large_xmp_becomes_standard_and_extended_xmp(make_png: PhotoMaker, tmp_path: Path) -> None:
    xmp = large_xmp(5, 50_000)
    path = tmp_path / "photo.webp"
    Image.fromarray(smooth(40, 60)).save(path, xmp=xmp)
    ready = as_result(read_photo(path), OutputConfig(format="jpeg"))
    write_photo(ready, tmp_path / "result.jpg", record=RECORD)
    assert ready.notes == ()
    command = [EXIFTOOL or "", "-j", "-G1", "-struct", "-XMP:all", str(tmp_path / "result.jpg")]
    found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)[0]
    values = [
        value for name, value in found.items() if name.rpartition(":")[2] in {f"N{i}" for i in range(5)}
    ]
    assert values == ["abc" * (50_000 // 3)] * 5
    assert any(value == "here" for value in found.values())
    assert any("History" in name for name in found)
    again = read_packet(read_photo(tmp_path / "result.jpg").metadata.xmp)
    assert again is not None
    assert {part.name for part in again.properties} >= {"n0", "n4", "small", "title", "History"}
    assert "HasExtendedXMP" not in {part.name for part in again.properties}


def test_a_packet_parted_and_joined_has_the_same_properties() -> None:
    xmp = large_xmp(4, 30_000)
    both = parted(xmp, 65_000)
    assert both is not None
    assert len(both[0]) <= 65_000
    before, after = read_packet(xmp), read_packet(joined(*both))
    assert before is not None
    assert after is not None
    assert sorted((p.name, before.text(p)) for p in before.properties) == sorted(
        (p.name, after.text(p)) for p in after.properties
    )


def test_what_no_segment_holds_is_left_out_and_named() -> None:
    segments, left_out = segments_for(
        Metadata(xmp=b"no xmp" * 20_000, exif=b"no exif" * 20_000, icc=bytes(17_000_000))
    )
    assert segments == ()
    assert left_out == ("140000 bytes of EXIF", "120000 bytes of XMP", "a colour profile of 17000000 bytes")


def test_iptc_of_many_segments_comes_back(make_jpeg: PhotoMaker, tmp_path: Path) -> None:
    photo = read_photo(make_jpeg())
    iptc = noise((150_001,)).tobytes()
    large = replace(photo, format="tiff", metadata=replace(photo.metadata, iptc=iptc))
    write_photo(as_result(large, OutputConfig(format="jpeg")), tmp_path / "result.jpg")
    assert read_photo(tmp_path / "result.jpg").metadata.iptc == iptc


@pytest.mark.parametrize("wanted", ["png", "webp", "avif", "jxl"])
def test_iptc_is_named_where_a_type_has_no_place_for_it(make_jpeg: PhotoMaker, wanted: str) -> None:
    photo = read_photo(make_jpeg(icc_profile=None))
    known = replace(photo, metadata=replace(photo.metadata, iptc=b"captions"))
    notes = as_result(known, OutputConfig(format=wanted)).notes
    assert notes == (f"left out: IPTC, which a {wanted} file cannot hold",)
    assert as_result(known, OutputConfig(format="tiff")).notes == ()


def exif_with_slack(maker_note_bytes: int) -> bytes:
    """Orientation 6 and a maker note far behind the directory."""
    exif = Image.Exif()
    exif[274] = 6
    exif[271] = "Maker"
    inner = exif.get_ifd(0x8769)
    inner[37500] = noise((maker_note_bytes,)).tobytes()
    inner[34855] = 800
    data = exif.tobytes().removeprefix(b"Exif\0\0")
    return data + bytes(150_000)


@pytest.mark.parametrize(("note_bytes", "left_out"), [(3000, ()), (70_000, ("the maker note",))])
def test_exif_with_slack_is_packed_anew(note_bytes: int, left_out: tuple[str, ...]) -> None:
    packed, lost = packed_within(exif_with_slack(note_bytes), 60_000)
    assert lost == left_out
    assert packed is not None
    assert {tag.tag for tag in split_exif(packed)[1]} == {274, 271, 34665}
    exif = Image.Exif()
    exif.load(b"Exif\0\0" + packed)
    assert exif.get_ifd(0x8769)[34855] == 800
    assert (37500 in exif.get_ifd(0x8769)) is (not left_out)


def test_a_real_photo_whose_exif_is_mostly_slack_becomes_a_jpeg(data_root: Path, tmp_path: Path) -> None:
    photo = read_photo(data_root / "cases/xiaomi_heic/xiaomi.heic")
    ready = as_result(photo, OutputConfig())
    write_photo(ready, tmp_path / "result.jpg")
    assert ready.notes == ()
    before, after = (
        split_exif(each or b"")[1]
        for each in (photo.metadata.exif, read_photo(tmp_path / "result.jpg").metadata.exif)
    )
    assert {tag.tag for tag in before} == {tag.tag for tag in after}


def test_a_tiff_with_large_xmp_becomes_a_jpeg(data_root: Path, tmp_path: Path) -> None:
    ready = as_result(read_photo(data_root / "cases/big_xmp/bigxmp.tif"), OutputConfig(format="jpeg"))
    write_photo(ready, tmp_path / "result.jpg")
    assert read_photo(tmp_path / "result.jpg").pixels.shape == ready.pixels.shape


@pytest.mark.parametrize("wide", [True, False])
def test_sizes_in_exif_follow_a_picture_that_was_turned(wide: bool) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({40962: 4000, 40963: 3000})
    exif[256] = 4000
    exif[257] = 3000
    blob = exif.tobytes().removeprefix(b"Exif\0\0")
    size = (4000, 3000) if wide else (3000, 4000)
    found = Image.Exif()
    found.load(b"Exif\0\0" + (exif_turned(blob, *size) or b""))
    inner = found.get_ifd(0x8769)
    assert (inner[40962], inner[40963]) == (found[256], found[257]) == size


def test_a_photo_written_upright_has_the_sizes_it_has_then(make_jpeg: PhotoMaker, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    exif.get_ifd(0x8769).update({40962: 70, 40963: 50})
    photo = read_photo(make_jpeg(exif=exif.tobytes(), icc_profile=None))
    write_photo(as_result(photo, OutputConfig(format="avif")), tmp_path / "result.avif")
    with Image.open(tmp_path / "result.avif") as image:
        inner = image.getexif().get_ifd(0x8769)
        assert (inner[40962], inner[40963]) == image.size == (50, 70)
        assert np.asarray(image).shape == (70, 50, 3)
