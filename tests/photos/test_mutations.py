"""Damage of any kind, anywhere in a file: a Photo or a PhotoError, nothing else."""

from __future__ import annotations

import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from photo_samples import EXIF_ORIENTATION_6, ICC, PhotoMaker, noise, smooth
from PIL import Image

from lgbpn_cli.errors import PhotoError
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.record import Record, read_record
from lgbpn_cli.photos.write import write_photo

KINDS = [
    "jpeg", "progressive", "png", "palette", "png16", "tiff", "tiff-lzw", "tiff-tiles", "tiff-float", "bigtiff",
    "webp", "avif",
]  # fmt: skip
MAX_PIXELS = 1_000_000
MARK = Record("1", "m", "{}")
BOUNDED = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
DAMAGE = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6)


@pytest.fixture(params=KINDS)
def sample(
    request: pytest.FixtureRequest, make_jpeg: PhotoMaker, make_png: PhotoMaker, make_tiff: PhotoMaker
) -> Path:
    kind: str = request.param
    if kind in ("jpeg", "progressive"):
        return make_jpeg(size=(24, 24), progressive=kind == "progressive")
    if kind in ("webp", "avif"):
        path = make_png().with_suffix(f".{kind}")
        Image.fromarray(smooth(24, 24)).save(path, exif=EXIF_ORIENTATION_6, icc_profile=ICC)
        return path
    if kind == "tiff-float":
        return make_tiff(samples=smooth(20, 24) / np.float32(255), rowsperstrip=5, compression="zlib")
    if kind == "palette":
        return make_png(picture=Image.fromarray(smooth(12, 12)).convert("P"), transparency=2)
    if kind == "png16":
        path = make_png()
        path.write_bytes(imagecodecs.png_encode(noise((12, 12, 4), np.uint16)))
        return path
    if kind == "png":
        return make_png(picture=Image.fromarray(smooth(12, 12)))
    options: dict[str, dict[str, object]] = {
        "tiff": {"rowsperstrip": 5},
        "tiff-lzw": {"rowsperstrip": 5, "compression": "lzw", "predictor": True},
        "tiff-tiles": {"tile": (16, 16), "compression": "zlib"},
        "bigtiff": {"bigtiff": True, "byteorder": ">", "rowsperstrip": 5, "compression": "packbits"},
    }
    return make_tiff(samples=smooth(20, 24), **options[kind])


def outcome(source: Path, target: Path) -> Photo | PhotoError:
    """Read and write; the photo that was read, or the first error."""
    try:
        photo = read_photo(source, max_pixels=MAX_PIXELS)
        write_photo(photo, target, record=MARK)
    except PhotoError as error:
        return error
    return photo


def with_right_checksums(data: bytearray) -> bytearray:
    """Let damage inside PNG chunks pass their checksums, so that it reaches what lies behind."""
    position = 8
    while position + 12 <= len(data):
        end = position + 8 + int.from_bytes(data[position : position + 4], "big")
        if end + 4 > len(data):
            break
        data[end : end + 4] = zlib.crc32(data[position + 4 : end]).to_bytes(4, "big")
        position = end + 4
    return data


def test_damage_gives_a_photo_or_a_photo_error(
    sample: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = sample.read_bytes()
    damaged, written = tmp_path / "damaged", tmp_path / "written"

    # Structure lies in the first bytes: half of the damage goes there.
    @BOUNDED
    @given(DAMAGE, DAMAGE, st.one_of(st.just(1.0), st.floats(0, 1)), st.binary(max_size=8), st.booleans())
    def check(
        anywhere: list[tuple[float, int]],
        early: list[tuple[float, int]],
        share: float,
        tail: bytes,
        repaired: bool,
    ) -> None:
        data = bytearray(whole)
        for place, value in anywhere:
            data[int(place * len(data))] = value
        for place, value in early:
            data[int(place * min(200, len(data)))] = value
        if repaired and sample.suffix == ".png":
            data = with_right_checksums(data)
        damaged.write_bytes(data[: int(len(data) * share)] + tail)
        read_record(damaged)
        photo = outcome(damaged, written)
        if isinstance(photo, PhotoError):
            assert "\n" not in str(photo)
            return
        assert read_record(written) == MARK
        again = read_photo(written, max_pixels=MAX_PIXELS)
        assert again.pixels.shape == photo.pixels.shape
        if photo.format in ("png", "tiff"):
            assert np.array_equal(again.pixels, photo.pixels)

    check()
    assert capfd.readouterr().err == ""
