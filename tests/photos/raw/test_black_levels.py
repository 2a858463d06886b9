"""Black that differs from site to site: DNG's patterns of any size, rows and columns with a level of their own."""

from __future__ import annotations

import struct
import subprocess
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rawpy
from raw_samples import RGGB, WHITE, XTRANS, fractions, write_raw

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.errors import PhotoError, PhotoReadError
from lgbpn_cli.photos.convert import as_result
from lgbpn_cli.photos.prepare import read_as_result
from lgbpn_cli.photos.raw.black import BlackLevels
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.write import write_photo

ABOVE_BLACK = 2000
HEIGHT, WIDTH = 72, 96


def fraction_tag(number: int, values: Any) -> tuple[int, int, int, Any, bool]:
    return number, 10, len(values), fractions(*values), True


def black_of(rows: int, columns: int, planes: int = 1) -> np.ndarray:
    return np.random.default_rng(0).integers(200, 900, (rows, columns, planes))


def dng_of(path: Path, rows: int, columns: int, pattern: bytes | None, planes: int = 1, **how: Any) -> Path:
    """A DNG of one light everywhere, on a black that repeats so."""
    black = black_of(rows, columns, planes)
    down, across = np.arange(HEIGHT) % rows, np.arange(WIDTH) % columns
    samples = (black[down][:, across] + ABOVE_BLACK).astype(how.pop("dtype", np.uint16))
    tags = ((50713, 3, 2, (rows, columns), True),)
    return write_raw(
        path,
        samples if planes > 1 else samples[..., 0],
        pattern=pattern,
        black=tuple(int(value) for value in black.ravel()),
        raw_tags=tags,
        neutral=(1.0, 1.0, 1.0),
        **how,
    )


def assert_even(path: Path, black: float) -> None:
    """The light is the same everywhere, as bright as it was made."""
    photo = read_photo(path)
    assert photo.camera is not None
    light = (photo.pixels.astype(np.float64) - photo.camera.black) / (photo.camera.white - photo.camera.black)
    middle = light[8:-8, 8:-8]
    assert np.ptp(middle) < 0.02 * middle.mean()
    assert middle.mean() == pytest.approx(ABOVE_BLACK / (WHITE - black), rel=0.04)


@pytest.mark.parametrize("pattern", [RGGB, XTRANS], ids=["Bayer", "X-Trans"])
@pytest.mark.parametrize(
    "repeats", [(1, 1), (1, 2), (2, 1), (2, 2), (2, 4), (4, 4), (6, 6), (3, 5), (8, 1)], ids=str
)
def test_black_may_repeat_in_any_size(tmp_path: Path, pattern: bytes, repeats: tuple[int, int]) -> None:
    assert_even(dng_of(tmp_path / "a.dng", *repeats, pattern), black=550)


@pytest.mark.parametrize("repeats", [(1, 1), (2, 2), (4, 2)], ids=str)
def test_black_of_a_file_without_a_mosaic(tmp_path: Path, repeats: tuple[int, int]) -> None:
    assert_even(dng_of(tmp_path / "a.dng", *repeats, None, 3), black=550)


def test_black_of_floating_point_samples(tmp_path: Path) -> None:
    assert_even(dng_of(tmp_path / "a.dng", 4, 2, RGGB, dtype=np.float32), black=550)


@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_rows_and_columns_may_have_a_black_of_their_own_within_the_active_area(
    tmp_path: Path, byteorder: str
) -> None:
    top, left = 6, 10
    random = np.random.default_rng(1)
    per_row = random.integers(-200, 200, HEIGHT - top).astype(float)
    per_column = random.integers(-200, 200, WIDTH - left).astype(float)
    samples = np.full((HEIGHT, WIDTH), 700.0)
    samples[top:, left:] += ABOVE_BLACK + per_row[:, None] + per_column
    path = write_raw(
        tmp_path / "a.dng",
        samples.astype(np.uint16),
        black=700,
        neutral=(1.0, 1.0, 1.0),
        byteorder=byteorder,
        raw_tags=(
            (50829, 4, 4, (top, left, HEIGHT, WIDTH), True),
            fraction_tag(50715, per_column),
            fraction_tag(50716, per_row),
        ),
    )
    assert_even(path, black=700)


def test_a_result_has_no_black_left_to_take_off(tmp_path: Path) -> None:
    source = dng_of(tmp_path / "a.dng", 4, 4, RGGB)
    target = tmp_path / "result.dng"
    write_photo(as_result(read_photo(source), OutputConfig()), target)
    with rawpy.imread(str(target)) as raw:
        assert set(raw.black_level_per_channel) == {0}
    told = subprocess.run(
        ["exiftool", "-s", "-BlackLevel*", str(target)], capture_output=True, text=True, check=True
    )
    assert {line.split()[0] for line in told.stdout.splitlines()} == {"BlackLevel"}


@pytest.mark.parametrize(("count", "repeats"), [(3, (4, 4)), (16, (0, 4)), (4, (9999, 9999))], ids=str)
def test_black_that_does_not_fit_is_damage(tmp_path: Path, count: int, repeats: tuple[int, int]) -> None:
    samples = np.random.default_rng(2).integers(900, 4000, (HEIGHT, WIDTH), np.uint16)
    path = write_raw(
        tmp_path / "a.dng", samples, black=(500,) * count, raw_tags=((50713, 3, 2, repeats, True),)
    )
    with pytest.raises(PhotoReadError, match="black levels"):
        read_photo(path)


@pytest.mark.parametrize("repeats", [(2, 2), (4, 4), (3, 5)], ids=str)
def test_light_that_goes_back_on_its_sites_gets_their_black_again(
    tmp_path: Path, repeats: tuple[int, int]
) -> None:
    source = dng_of(tmp_path / "a.dng", *repeats, RGGB)
    photo, _ = read_as_result(source, OutputConfig(format="cfa-dng"), None, as_mosaic=True)
    assert photo.mosaic is not None
    assert photo.camera is not None
    light = photo.mosaic.mosaic.samples * (photo.camera.white - photo.camera.black) + photo.camera.black
    pixels = np.repeat(np.rint(light).astype(np.uint16)[..., None], 3, axis=2)
    write_photo(replace(photo, pixels=pixels, mosaic=None), tmp_path / "result.dng")
    with rawpy.imread(str(source)) as before, rawpy.imread(str(tmp_path / "result.dng")) as after:
        difference = before.raw_image.astype(int) - after.raw_image
    assert np.abs(difference).max() <= 1


def test_directories_that_lack_what_they_should_have_are_no_surprise(tmp_path: Path) -> None:
    samples = np.random.default_rng(3).integers(900, 4000, (HEIGHT, WIDTH), np.uint16)
    path = write_raw(tmp_path / "a.dng", samples, raw_tags=((50713, 3, 2, (4, 4), True),), black=(500,) * 16)
    data = path.read_bytes()
    without = bytearray(data)
    entry = data.index(struct.pack("<HH", 277, 3))  # SamplesPerPixel
    without[entry : entry + 2] = struct.pack("<H", 276)
    path.write_bytes(bytes(without))
    with suppress(PhotoError):  # and nothing else
        assert read_photo(path).pixels.size


def test_lines_that_are_all_darker_lower_the_largest_black() -> None:
    repeated, none = np.full((2, 2, 1), 500, np.float32), np.zeros(0, np.float32)
    darker = np.array([-200, -100], np.float32)
    assert BlackLevels(repeated, none, darker).most == 400
    assert BlackLevels(repeated, darker, darker).most == 300
    assert BlackLevels(repeated, none, none).most == 500
