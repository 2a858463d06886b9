"""What raw files say of their own faults: opcodes, lens tags, profiles, hot pixels, colours without sense."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from raw_samples import (
    RGGB,
    WHITE,
    XTRANS,
    area,
    byte_tag,
    gain_map,
    light_of,
    mosaic_of,
    opcode,
    opcode_list,
    scene,
    tags_of,
    through,
    write_raw,
)

from lgbpn_cli.photos.raw.demosaic import LIGHT_RANGE, PEDESTAL
from lgbpn_cli.photos.read import read_photo

LENS_TAGS = tuple((number, 8, 4, (3, 100, -200, 300), True) for number in (0x7032, 0x7035, 0x7037))

RAW_BLACK_OF_SONY = (0x7310, 3, 4, (999, 999, 999, 999), True)

WARP = opcode(1, struct.pack(">I6d2d", 1, 1.0, 0.01, 0.0, 0.0, 0.0, 0.0, 0.5, 0.5))

VIGNETTE = opcode(3, struct.pack(">7d", 0.1, 0, 0, 0, 0, 0.5, 0.5))


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("below", [True, False])
def test_lens_corrections_of_the_samples_directory_come_along(
    tmp_path: Path, byteorder: str, below: bool
) -> None:
    """Sony's tags and opcodes that bend the picture; what speaks of the old samples does not."""
    raw_tags = (*LENS_TAGS, RAW_BLACK_OF_SONY, byte_tag(51022, opcode_list(WARP, VIGNETTE)))
    path = write_raw(
        tmp_path / "a.dng", mosaic_of(scene()), raw_tags=raw_tags, below=below, byteorder=byteorder
    )
    before, after = tags_of(path, "-U"), tags_of(through(path), "-U")
    own = "SubIFD:" if below else "IFD0:"
    names = [name.removeprefix(own) for name in before if name.startswith(own) and ("Params" in name)]
    assert len(names) == 3
    for name in names:
        assert after[f"SubIFD:{name}"] == before[own + name]
    assert opcode_list(WARP, VIGNETTE) in path.with_name("result.dng").read_bytes()
    assert not [name for name in after if "BlackLevel" in name and "SubIFD:BlackLevel" not in name]
    assert after["SubIFD:NoiseReductionApplied"] == 1


@pytest.mark.parametrize("pattern", [RGGB, XTRANS], ids=["Bayer", "X-Trans"])
def test_shading_that_opcodes_undo_is_undone_before_denoising(tmp_path: Path, pattern: bytes) -> None:
    light = scene()
    rows, columns = np.mgrid[:9, :9] / 4 - 1
    gains = (1 + 0.8 * (rows**2 + columns**2)).astype(np.float32)[..., None]
    maps = gain_map(area(0, 0, 60, 90), gains)
    shaded = light.copy()
    for plane in range(3):
        grid = gains[..., 0]
        down, across = ((np.arange(side) + 0.5) / side * 8 for side in (60, 90))
        tall = np.array([np.interp(down, range(9), grid[:, column]) for column in range(9)])
        full = np.array([np.interp(across, range(9), tall[:, row]) for row in range(60)])
        shaded[..., plane] /= full
    raw_tags = (byte_tag(51009, opcode_list(maps, WARP)), byte_tag(51022, opcode_list(VIGNETTE)))
    path = write_raw(tmp_path / "a.dng", mosaic_of(shaded, pattern), pattern=pattern, raw_tags=raw_tags)
    assert np.abs(light_of(read_photo(path)) - light)[4:-4, 4:-4].mean() < 0.012
    after = tags_of(through(path))
    assert "SubIFD:OpcodeList2" not in after
    assert opcode_list(WARP, VIGNETTE) in through(path).read_bytes()


def test_opcodes_of_a_linear_dng_are_applied_too(tmp_path: Path) -> None:
    samples = np.full((40, 50, 3), 20000, np.uint16)
    raw_tags = (
        byte_tag(51009, opcode_list(gain_map(area(0, 0, 40, 50, planes=3), np.full((1, 1, 1), 1.5)))),
    )
    path = write_raw(tmp_path / "a.dng", samples, pattern=None, black=0, white=65535, raw_tags=raw_tags)
    photo = read_photo(path)
    assert np.allclose((photo.pixels.astype(float) - PEDESTAL) / LIGHT_RANGE, 1.5 * 20000 / 65535, atol=1e-4)


def test_pixels_that_opcodes_call_bad_are_filled_in(tmp_path: Path) -> None:
    samples = mosaic_of(np.full((40, 50, 3), 0.4))
    clean = read_photo(write_raw(tmp_path / "clean.dng", samples))
    samples[12:16, 20:23] = 0
    listed = struct.pack(">3I", 0, 0, 1) + struct.pack(">4I", 12, 20, 16, 23)
    path = write_raw(tmp_path / "a.dng", samples, raw_tags=(byte_tag(51008, opcode_list(opcode(5, listed))),))
    assert np.abs(read_photo(path).pixels.astype(int) - clean.pixels).max() < 100


def test_hot_pixels_of_a_raw_file_are_gone(tmp_path: Path) -> None:
    samples = mosaic_of(np.full((60, 90, 3), 0.2))
    samples = (samples + np.random.default_rng(0).normal(scale=20, size=samples.shape)).astype(np.uint16)
    samples[30, 40] = samples[13, 25] = WHITE
    photo = read_photo(write_raw(tmp_path / "a.dng", samples))
    assert light_of(photo).max() < 0.3


@pytest.mark.parametrize("below", [True, False])
def test_further_camera_profiles_move_with_the_file(tmp_path: Path, below: bool) -> None:
    """They are TIFF structures of their own, which the tag only points to."""
    path = write_raw(
        tmp_path / "a.dng", mosaic_of(scene()), below=below, tags=((50933, 4, 2, (11, 22), True),)
    )
    data = path.read_bytes()
    name = b"Portrait\0"
    profile = b"IIRC" + struct.pack("<IHHHII", 8, 1, 50936, 2, len(name), 26) + bytes(4) + name
    place = len(data) + len(data) % 2
    data = data.ljust(place, b"\0") + profile
    data = data.replace(
        struct.pack("<2I", 11, 22), struct.pack("<2I", place, 5)
    )  # the second leads to nonsense
    path.write_bytes(data)
    after = through(path)
    tags = tags_of(after)
    assert "ExifTool:Warning" not in tags
    assert [value for key, value in tags.items() if key.endswith(":ProfileName")] == ["Portrait"]


def test_a_gain_table_map_stays_with_its_samples(tmp_path: Path) -> None:
    table = bytes(range(64)) * 2
    path = write_raw(tmp_path / "a.dng", mosaic_of(scene()), below=True, raw_tags=(byte_tag(52525, table),))
    result = through(path)
    assert table in result.read_bytes()
    assert tags_of(result)["IFD0:DNGVersion"] == "1 6 0 0"


@pytest.mark.parametrize("matrix", [(1e9, 0, 0, 0, 1, 0, 0, 0, 1), (0,) * 9, (-1e8,) * 9])
def test_a_colour_matrix_without_sense_costs_colours_but_no_photo(
    tmp_path: Path, matrix: tuple[float, ...]
) -> None:
    parts = [part for value in matrix for part in (int(max(-(2**31), min(2**31 - 1, value))), 1)]
    path = write_raw(tmp_path / "a.dng", mosaic_of(scene()), tags=((50721, 10, 9, parts, True),))
    assert through(path).is_file()


@pytest.mark.parametrize("neutral", [(1e-4, 1.0, 100.0), (0.0, 1.0, 1.0), None])
def test_a_white_balance_without_sense_costs_no_photo(
    tmp_path: Path, neutral: tuple[float, ...] | None
) -> None:
    assert through(write_raw(tmp_path / "a.dng", mosaic_of(scene()), neutral=neutral)).is_file()
