"""Damage of any kind, anywhere in a file: a Photo or a PhotoError, nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from photo_samples import EXIF_ORIENTATION_6, ICC, PhotoMaker, noise, smooth
from PIL import Image
from png_checksums import with_right_checksums

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.errors import PhotoError
from lgbpn_cli.photos.convert import as_result
from lgbpn_cli.photos.photo import Camera, Photo
from lgbpn_cli.photos.raw.dng import DngContainer
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.record import Record, read_record
from lgbpn_cli.photos.write import write_photo

KINDS = [
    "jpeg", "progressive", "png", "palette", "png16", "tiff", "tiff-lzw", "tiff-tiles", "tiff-float", "bigtiff",
    "tiff-jpeg", "tiff-palette", "tiff-pages", "tiff-float-differences", "mpo", "webp", "avif", "avif-deep",
    "heif", "dng",
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
    request: pytest.FixtureRequest,
    make_jpeg: PhotoMaker,
    make_png: PhotoMaker,
    make_tiff: PhotoMaker,
    repo_root: Path,
) -> Path:
    kind: str = request.param
    if kind in ("jpeg", "progressive"):
        return make_jpeg(size=(24, 24), progressive=kind == "progressive")
    if kind in ("webp", "avif"):
        path = make_png().with_suffix(f".{kind}")
        Image.fromarray(smooth(24, 24)).save(path, exif=EXIF_ORIENTATION_6, icc_profile=ICC)
        return path
    if kind == "mpo":
        path = make_jpeg("photo.mpo")
        pictures = [Image.fromarray(smooth(24, 24)) for _ in range(2)]
        pictures[0].save(path, "MPO", save_all=True, append_images=pictures[1:], exif=EXIF_ORIENTATION_6)
        return path
    if kind == "avif-deep":
        path = make_png().with_suffix(".avif")
        path.write_bytes(imagecodecs.avif_encode(noise((24, 24, 3), np.uint16) >> 6, bitspersample=10))
        return path
    if kind == "heif":
        path = make_png().with_suffix(".heic")
        shutil.copyfile(repo_root / "tests/golden/ten_bits.heic", path)
        return path
    if kind == "dng":
        path = make_png().with_suffix(".dng")
        pixels = noise((40, 40, 3), np.uint16)
        straight = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
        camera = Camera("Maker", "Model", (2.0, 1.0, 1.5), straight, straight, (0, 0, 40, 40))
        write_photo(Photo(path, pixels, None, "dng", 1, DngContainer(), linear=True, camera=camera), path)
        return path
    if kind == "tiff-pages":
        path = make_tiff()
        with tifffile.TiffWriter(path) as writer:
            for number in range(3):
                writer.write(smooth(20, 24 - number), photometric="rgb", compression="lzw", metadata=None)
        return path
    if kind == "tiff-palette":
        return make_tiff(
            samples=noise((20, 24)),
            photometric="palette",
            colormap=noise((3, 256), np.uint16),
            rowsperstrip=5,
        )
    if kind == "tiff-float-differences":
        return make_tiff(samples=smooth(20, 24) / np.float32(255), predictor=3, compression="zlib")
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
        "tiff-jpeg": {"photometric": "ycbcr", "compression": "jpeg", "rowsperstrip": 16},
        "tiff-tiles": {"tile": (16, 16), "compression": "zlib"},
        "bigtiff": {"bigtiff": True, "byteorder": ">", "rowsperstrip": 5, "compression": "packbits"},
    }
    return make_tiff(samples=smooth(20, 24), **options[kind])


def outcome(source: Path, target: Path) -> Photo | PhotoError:
    """Read and write; the photo that was read, or the first error."""
    try:
        photo = as_result(read_photo(source, max_pixels=MAX_PIXELS), OutputConfig())
        write_photo(photo, target, record=MARK)
    except PhotoError as error:
        return error
    return photo


def test_damage_gives_a_photo_or_a_photo_error(
    sample: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = sample.read_bytes()
    raw = sample.suffix == ".dng"  # which the name tells
    damaged, written = (tmp_path / (name + ".dng" * raw) for name in ("damaged", "written"))

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
    # LibRaw writes this before rawpy makes an error of it.
    lines = [
        line for line in capfd.readouterr().err.splitlines() if not (raw and ": data corrupted at " in line)
    ]
    assert lines == []
