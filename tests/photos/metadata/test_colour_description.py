"""Colours that a file tells in other ways than by a profile: the result has a profile that says the same."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from photo_samples import PhotoMaker, smooth
from PIL import Image, ImageCms

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.errors import UnsupportedPhotoError
from lgbpn_cli.photos.convert import as_result
from lgbpn_cli.photos.metadata.given_profile import fitted, is_linear, with_srgb_curve
from lgbpn_cli.photos.metadata.icc import SPACES, Curve, icc_profile
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.write import write_photo

OTHER_TYPES = ("jpeg", "tiff", "webp", "avif")
P3_CHROMATICITIES = (0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060)
LINEAR = icc_profile(SPACES["srgb"].__class__("linear P3", (0.68, 0.32), (0.265, 0.69), (0.15, 0.06), (0.3127, 0.329),
                                              Curve(power=1.0)))  # fmt: skip


def with_chunks(path: Path, *chunks: tuple[bytes, bytes]) -> Path:
    """Put chunks behind a PNG's header."""
    data = path.read_bytes()
    added = b"".join(
        struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))
        for kind, payload in chunks
    )
    path.write_bytes(data[:33] + added + data[33:])
    return path


def plain_png(tmp_path: Path, *chunks: tuple[bytes, bytes], pixels: np.ndarray | None = None) -> Path:
    path = tmp_path / "photo.png"
    path.write_bytes(imagecodecs.png_encode(smooth(48, 64) if pixels is None else pixels))
    return with_chunks(path, *chunks)


def gamma(value: float) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", round(100_000 / value))


def exif_of(colour_space: int, index: bytes | None, order: str = "<") -> bytes:
    """An EXIF blob with ColorSpace and, if given, the interoperability index."""
    place = 8 + 18
    entries = [struct.pack(order + "HHIHH", 0xA001, 3, 1, colour_space, 0)]
    if index is not None:
        entries.append(struct.pack(order + "HHII", 0xA005, 4, 1, place + 30))
    inner = struct.pack(order + "H", len(entries)) + b"".join(entries) + bytes(4)
    interop = b"" if index is None else struct.pack(order + "HHHI4s", 1, 1, 2, 4, index) + bytes(4)
    first = struct.pack(order + "HHHII", 1, 0x8769, 4, 1, place) + bytes(4)
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8)
    return head + first + inner + interop


def converted(path: Path, wanted: str, **options: object) -> Photo:
    """The photo as a result of another type, read again."""
    target = path.with_name(f"result.{wanted}")
    ready = as_result(read_photo(path), OutputConfig(format=wanted, **options))  # type: ignore[arg-type]
    write_photo(ready, target)
    return read_photo(target)


def lab_of(profile: bytes, colours: np.ndarray) -> np.ndarray:
    """Colours, (n, 3) in 0..255, by another colour engine."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    transform = ImageCms.buildTransform(source, ImageCms.createProfile("LAB"), "RGB", "LAB")
    return np.asarray(ImageCms.applyTransform(Image.fromarray(colours[None].astype(np.uint8)), transform))[
        0
    ].astype(int)


def assert_same_colours(found: bytes | None, expected: bytes) -> None:
    assert found is not None
    colours = np.array(
        [[255, 0, 0], [0, 255, 0], [0, 0, 255], [128, 128, 128], [40, 90, 200], [255, 255, 255]]
    )
    # Signed a and b wrap round in Lab's bytes.
    apart = (lab_of(found, colours) - lab_of(expected, colours) + 128) % 256 - 128
    assert np.abs(apart).max() <= 2, apart


@pytest.mark.parametrize("wanted", OTHER_TYPES)
def test_numbers_of_h273_in_a_png_become_a_profile(tmp_path: Path, wanted: str) -> None:
    path = plain_png(tmp_path, (b"cICP", bytes([12, 13, 0, 1])))
    assert_same_colours(converted(path, wanted).metadata.icc, icc_profile(SPACES["display-p3"]))


@pytest.mark.parametrize("wanted", OTHER_TYPES)
def test_measured_primaries_and_gamma_become_a_profile(tmp_path: Path, wanted: str) -> None:
    corners = struct.pack(">8I", *(round(100_000 * value) for value in P3_CHROMATICITIES))
    path = plain_png(tmp_path, gamma(1.8), (b"cHRM", corners))
    p3 = SPACES["display-p3"]
    expected = icc_profile(p3.__class__("p3", p3.red, p3.green, p3.blue, p3.white, Curve(power=1.8)))
    assert_same_colours(converted(path, wanted).metadata.icc, expected)


def test_a_gamma_of_2_2_alone_means_srgb(tmp_path: Path) -> None:
    assert read_photo(plain_png(tmp_path, gamma(2.2))).metadata.icc is None


def test_the_numbers_come_before_a_profile_and_srgb_before_gamma(tmp_path: Path) -> None:
    other = b"x\0\0" + zlib.compress(icc_profile(SPACES["rec2020"]))
    path = plain_png(tmp_path, (b"cICP", bytes([12, 13, 0, 1])), (b"iCCP", other))
    assert_same_colours(read_photo(path).metadata.icc, icc_profile(SPACES["display-p3"]))
    assert read_photo(plain_png(tmp_path, gamma(1.8), (b"sRGB", b"\0"))).metadata.icc is None


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
@pytest.mark.parametrize("wanted", ["preserve", "jpeg"])
def test_hdr_is_refused_by_name(tmp_path: Path, transfer: int, name: str, wanted: str) -> None:
    path = plain_png(tmp_path, (b"cICP", bytes([9, transfer, 0, 1])))
    with pytest.raises(UnsupportedPhotoError, match=f"HDR colours .{name}"):
        converted(path, wanted)


def test_hdr_told_by_a_profile_is_refused_too(make_jpeg: PhotoMaker) -> None:
    profile = bytearray(icc_profile(SPACES["rec2020"]))
    (count,) = struct.unpack_from(">I", profile, 128)
    # One more tag at the end of the table would move the data: the copyright's place is taken instead.
    place = next(p for p in range(132, 132 + 12 * count, 12) if profile[p : p + 4] == b"cprt")
    struct.pack_into(">4sII", profile, place, b"cicp", len(profile), 12)
    profile += b"cicp" + bytes(4) + bytes([9, 16, 0, 1])
    struct.pack_into(">I", profile, 0, len(profile))
    with pytest.raises(UnsupportedPhotoError, match=r"HDR colours .PQ"):
        read_photo(make_jpeg(icc_profile=bytes(profile)))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("code", "index"), [(0xFFFF, b"R03\0"), (2, None)])
def test_adobe_rgb_told_by_exif_alone_becomes_a_profile(
    make_jpeg: PhotoMaker, order: str, code: int, index: bytes | None
) -> None:
    path = make_jpeg(exif=b"Exif\0\0" + exif_of(code, index, order), icc_profile=None)
    for wanted in ("png", "tiff", "webp", "avif"):
        assert_same_colours(converted(path, wanted).metadata.icc, icc_profile(SPACES["adobe-rgb"]))
    stripped = converted(path, "preserve", strip_metadata=True)
    assert stripped.metadata.exif is None
    assert_same_colours(stripped.metadata.icc, icc_profile(SPACES["adobe-rgb"]))


@pytest.mark.parametrize(("code", "index"), [(1, b"R98\0"), (0xFFFF, None), (0xFFFF, b"R98\0")])
def test_other_exif_makes_no_profile(make_jpeg: PhotoMaker, code: int, index: bytes | None) -> None:
    path = make_jpeg(exif=b"Exif\0\0" + exif_of(code, index), icc_profile=None)
    assert converted(path, "png").metadata.icc is None


def test_adobe_rgb_in_the_exif_of_other_types(tmp_path: Path) -> None:
    exif = exif_of(0xFFFF, b"R03\0")
    for ending in ("webp", "png"):
        path = tmp_path / f"photo.{ending}"
        Image.fromarray(smooth(48, 64)).save(path, exif=exif)
        assert_same_colours(read_photo(path).metadata.icc, icc_profile(SPACES["adobe-rgb"]))


def test_a_tiffs_measured_primaries_become_a_profile(tmp_path: Path) -> None:
    white, primaries = P3_CHROMATICITIES[:2], P3_CHROMATICITIES[2:]
    tags = [
        (code, 5, len(values), tuple(part for v in values for part in (round(v * 10_000), 10_000)))
        for code, values in ((318, white), (319, primaries))
    ]
    tifffile.imwrite(tmp_path / "photo.tif", smooth(48, 64), photometric="rgb", extratags=tags, metadata=None)
    assert_same_colours(
        converted(tmp_path / "photo.tif", "png").metadata.icc, icc_profile(SPACES["display-p3"])
    )


def test_a_grey_picture_gets_a_profile_of_greys_and_colours_one_of_colours(tmp_path: Path) -> None:
    path = plain_png(tmp_path, gamma(1.8), pixels=smooth(48, 64)[..., 0].copy())
    for wanted, kind in (("jpeg", b"GRAY"), ("tiff", b"GRAY"), ("webp", b"RGB "), ("avif", b"GRAY")):
        icc = converted(path, wanted).metadata.icc
        assert icc is not None
        assert icc[16:20] == kind
    colour = fitted(fitted(icc_profile(SPACES["srgb"]), 1), 3)
    assert_same_colours(colour, icc_profile(SPACES["srgb"]))


def linear_files(tmp_path: Path) -> Iterator[Path]:
    deep = smooth(48, 64).astype(np.uint16) * 257
    for name, samples in (
        ("deep", deep),
        ("float", (deep / 65535).astype(np.float32)),
        ("small", smooth(48, 64)),
    ):
        path = tmp_path / f"{name}.tif"
        tifffile.imwrite(path, samples, photometric="rgb", iccprofile=LINEAR, metadata=None)
        yield path
    yield plain_png(tmp_path, gamma(1.0), pixels=deep)


def test_linear_light_is_told_by_the_profile_and_becomes_encoded_where_8_bits_hold_it(tmp_path: Path) -> None:
    for path in linear_files(tmp_path):
        photo = read_photo(path)
        assert photo.linear
        result = converted(path, "jpeg", jpeg_quality=100)
        assert not result.linear
        white = 1.0 if photo.pixels.dtype == np.float32 else np.iinfo(photo.pixels.dtype).max
        expected = 255 * SPACES["srgb"].curve.encode(photo.pixels / white)
        assert np.abs(result.pixels - expected).mean() < 2
        target = SPACES["display-p3" if path.suffix == ".tif" else "srgb"]
        assert_same_colours(result.metadata.icc, icc_profile(target))


@pytest.mark.parametrize("power", [1.8, 2.2])
def test_float_samples_are_encoded_when_their_profile_says_so(tmp_path: Path, power: float) -> None:
    srgb = SPACES["srgb"]
    profile = icc_profile(
        srgb.__class__("table", srgb.red, srgb.green, srgb.blue, srgb.white, Curve(power=power))
    )
    samples = (smooth(48, 64) / 255).astype(np.float32)
    tifffile.imwrite(tmp_path / "f.tif", samples, photometric="rgb", iccprofile=profile, metadata=None)
    assert not read_photo(tmp_path / "f.tif").linear
    result = converted(tmp_path / "f.tif", "png")
    assert np.abs(result.pixels / 65535 - samples).max() < 1 / 65535
    assert_same_colours(result.metadata.icc, profile)


def test_a_table_curve_is_understood_as_a_formula_is() -> None:
    assert is_linear(LINEAR)
    encoded = with_srgb_curve(LINEAR)
    assert not is_linear(encoded)
    assert_same_colours(encoded, icc_profile(SPACES["display-p3"]))
    assert is_linear(b"no profile" * 30, otherwise=True)


def test_a_float_tiff_stays_one_without_its_metadata(tmp_path: Path) -> None:
    samples = (smooth(48, 64) / 255).astype(np.float32)
    samples[0, 0] = 3.5
    tifffile.imwrite(tmp_path / "f.tif", samples, photometric="rgb", iccprofile=LINEAR, description="secret")
    result = converted(tmp_path / "f.tif", "preserve", strip_metadata=True)
    assert np.array_equal(result.pixels, samples)
    assert result.metadata.icc == LINEAR
    assert b"secret" not in (tmp_path / "result.preserve").read_bytes()
    cut = as_result(read_photo(tmp_path / "f.tif"), OutputConfig(format="png"))
    assert any("highlights" in note for note in cut.notes)


@pytest.mark.parametrize(
    ("name", "space"),
    [
        ("png_colour_chunks/chrm.png", "adobe-rgb"),
        ("png_colour_chunks/p3_cicp.png", "display-p3"),
        ("adobe_rgb_jpeg/adobe.jpg", "adobe-rgb"),
    ],
)
def test_real_files_that_tell_their_colours_without_a_profile(
    data_root: Path, tmp_path: Path, name: str, space: str
) -> None:
    ready = as_result(read_photo(data_root / "cases" / name), OutputConfig(format="webp"))
    write_photo(ready, tmp_path / "result.webp")
    assert_same_colours(read_photo(tmp_path / "result.webp").metadata.icc, icc_profile(SPACES[space]))


def test_real_files_of_hdr_and_floats(data_root: Path) -> None:
    with pytest.raises(UnsupportedPhotoError, match=r"HDR colours .PQ"):
        read_photo(data_root / "cases/png_colour_chunks/pq.png")
    assert read_photo(data_root / "cases/png_colour_chunks/linear_gama.png").linear
    assert not read_photo(data_root / "cases/float_srgb_tiff/f32.tif").linear
