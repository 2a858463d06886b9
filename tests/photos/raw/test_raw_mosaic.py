"""The mosaic of a raw file: levels, pattern, hot pixels, opcodes, and its demosaicing."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import rawpy
from raw_samples import (
    BGGR,
    GBRG,
    GRBG,
    NEUTRAL,
    RGGB,
    XTRANS,
    area,
    gain_map,
    mosaic_of,
    opcode,
    opcode_list,
    write_raw,
)

from lgbpn_cli.photos.faults import DamagedFileError, UnsupportedFileError
from lgbpn_cli.photos.raw.demosaic import LIGHT_RANGE, PEDESTAL, demosaic, quick_demosaic
from lgbpn_cli.photos.raw.hot_pixels import fill_sites, repair_hot_pixels, same_colour_steps
from lgbpn_cli.photos.raw.mosaic import Mosaic, filter_pattern, read_mosaic
from lgbpn_cli.photos.raw.opcodes import apply_levels, bad_sites, pack_opcodes, read_opcodes

GAINS = (1 / NEUTRAL[0], 1.0, 1 / NEUTRAL[2])
LEVELS = np.tile(np.array([0.0, 1e-4], np.float32), (3, 1))
"""The noise of `noisy_mosaic`."""
PATTERNS = {"RGGB": RGGB, "GRBG": GRBG, "GBRG": GBRG, "BGGR": BGGR, "X-Trans": XTRANS}


def colours_of(pattern: bytes) -> np.ndarray:
    side = int(len(pattern) ** 0.5)
    return np.frombuffer(pattern, np.uint8).reshape(side, side)


def scene(height: int = 120, width: int = 150) -> np.ndarray:
    """Smooth balanced light with every hue in it, 0.05 to 0.6."""
    rows, columns = np.mgrid[:height, :width] / 40
    waves = [np.sin(rows + phase) * np.cos(columns - phase) for phase in (0.0, 1.0, 2.0)]
    return 0.325 + 0.275 * np.stack(waves, axis=2)


def open_mosaic(path: Path) -> Mosaic:
    with rawpy.imread(str(path)) as raw:
        raw.unpack()
        return read_mosaic(raw)


def noisy_mosaic(pattern: bytes, seed: int = 0) -> Mosaic:
    light = (mosaic_of(scene(), pattern, black=0, white=65535) / 65535).astype(np.float32)
    noise = np.random.default_rng(seed).normal(scale=0.01, size=light.shape)
    return Mosaic((light + noise).astype(np.float32), colours_of(pattern))


@pytest.mark.parametrize("name", PATTERNS)
def test_a_mosaic_has_its_pattern_and_black_at_zero(tmp_path: Path, name: str) -> None:
    light = scene()
    mosaic = open_mosaic(
        write_raw(tmp_path / "a.dng", mosaic_of(light, PATTERNS[name]), pattern=PATTERNS[name])
    )
    assert np.array_equal(mosaic.pattern, colours_of(PATTERNS[name]))
    expected = mosaic_of(light, PATTERNS[name], black=0, white=65535) / 65535
    assert np.abs(mosaic.samples - expected).max() < 1e-4


def test_samples_below_black_stay_below(tmp_path: Path) -> None:
    samples = np.full((64, 64), 500, np.uint16)
    samples[::8, ::8] = 600  # one value alone would be a blank picture
    mosaic = open_mosaic(write_raw(tmp_path / "a.dng", samples, black=512))
    assert mosaic.samples.min() == pytest.approx((500 - 512) / (16383 - 512))


def test_each_site_of_a_bayer_pattern_has_its_own_black(tmp_path: Path) -> None:
    blacks = (500, 510, 520, 530)
    samples = np.tile(np.array(blacks, np.uint16).reshape(2, 2) + 100, (32, 32))
    path = write_raw(tmp_path / "a.dng", samples, black=blacks, raw_tags=((50713, 3, 2, (2, 2), True),))
    mosaic = open_mosaic(path)
    assert np.allclose(mosaic.samples, 100 / (16383 - 515), atol=1e-4)


@pytest.mark.parametrize(
    "pattern",
    [
        bytes([0, 0, 1, 1, 0, 0, 1, 1, 1, 1, 2, 2, 1, 1, 2, 2]),
        bytes([0, 1, 0, 3, 1, 2, 1, 2, 0, 3, 0, 1, 1, 2, 1, 2]),
        bytes([0] * 4),
        bytes([3, 5, 4, 1]),
        bytes([0, 0, 1, 2]),
        bytes([0, 1, 2, 1]),
    ],
    ids=["Quad Bayer", "RGBE", "one colour", "CYGM", "two reds", "green columns"],
)
def test_other_colour_filters_are_refused(pattern: bytes) -> None:
    sites = np.tile(colours_of(pattern), (12, 12))
    with pytest.raises(UnsupportedFileError, match="colour filter"):
        filter_pattern(sites)


def test_a_large_pattern_that_only_repeats_a_small_one_is_the_small_one() -> None:
    assert np.array_equal(filter_pattern(np.tile(colours_of(GBRG), (4, 4))), colours_of(GBRG))


@pytest.mark.parametrize("name", PATTERNS)
@pytest.mark.parametrize("shape", [(120, 150), (31, 45), (7, 9)])
def test_demosaicing_gives_the_scene_back(name: str, shape: tuple[int, int]) -> None:
    light = scene(*shape)
    samples = mosaic_of(light, PATTERNS[name], black=0, white=65535).astype(np.float32) / 65535
    found = demosaic(Mosaic(samples, colours_of(PATTERNS[name])), GAINS)
    assert found.shape == light.shape
    off = (found.astype(float) - PEDESTAL) / LIGHT_RANGE - light * np.array(NEUTRAL)
    assert np.sqrt((off**2).mean()) < 0.01


@pytest.mark.parametrize("pattern", [RGGB, GRBG, GBRG, BGGR], ids=["RGGB", "GRBG", "GBRG", "BGGR"])
def test_quick_demosaicing_gives_the_scene_back_and_keeps_sites(pattern: bytes) -> None:
    light = scene(31, 45)
    mosaic = Mosaic(
        mosaic_of(light, pattern, black=0, white=65535).astype(np.float32) / 65535, colours_of(pattern)
    )
    found = (quick_demosaic(mosaic).astype(float) - PEDESTAL) / LIGHT_RANGE
    assert np.sqrt(np.square(found - light * np.array(NEUTRAL)).mean()) < 0.01
    for colour, site in mosaic.site_slices():
        np.testing.assert_allclose(found[site][..., colour], mosaic.samples[site], atol=1e-5)


@pytest.mark.parametrize("algorithm", ["AHD", "DHT"])
def test_noise_round_black_keeps_its_mean(algorithm: str) -> None:
    samples = np.random.default_rng(0).normal(scale=0.01, size=(400, 400)).astype(np.float32)
    found = demosaic(Mosaic(samples, colours_of(RGGB)), GAINS, algorithm=algorithm)
    means = (found.mean(axis=(0, 1)) - PEDESTAL) / LIGHT_RANGE
    assert np.abs(means).max() < 2e-4
    assert found.min() < PEDESTAL


def test_an_area_where_all_colours_are_clipped_is_white() -> None:
    samples = mosaic_of(np.full((64, 64, 3), 5.0), black=0, white=65535).astype(np.float32) / 65535
    samples[:, :20] *= 0.1
    found = demosaic(Mosaic(samples, colours_of(RGGB)), GAINS)
    assert (found[:, 30:] == 65535).all()


def test_headroom_of_the_other_colours_survives_beside_clipped_green() -> None:
    light = np.full((64, 64, 3), (1.6, 1.6, 1.3))  # red clips at 2, green at 1, blue at 1.5
    samples = mosaic_of(light, black=0, white=65535).astype(np.float32) / 65535
    found = (demosaic(Mosaic(samples, colours_of(RGGB)), GAINS)[16:48, 16:48] - float(PEDESTAL)) / LIGHT_RANGE
    assert np.allclose(found.mean(axis=(0, 1)), (0.8, 1.0, 1.3 / 1.5), atol=0.01)


@pytest.mark.parametrize("name", PATTERNS)
def test_hot_pixels_are_found_and_filled_in(name: str) -> None:
    mosaic = noisy_mosaic(PATTERNS[name])
    clean = mosaic.samples.copy()
    random = np.random.default_rng(1)
    places = [(row, column) for row in range(5, 115, 22) for column in range(3, 147, 22)]
    for row, column in places:
        mosaic.samples[row, column] = min(1, clean[row, column] + random.uniform(0.2, 0.6))
    assert repair_hot_pixels(mosaic, LEVELS) >= 0.9 * len(places)
    off = np.array([mosaic.samples[place] - clean[place] for place in places])
    assert np.median(np.abs(off)) < 0.05
    assert (mosaic.samples != clean).sum() <= len(places)


@pytest.mark.parametrize("pattern", [RGGB, XTRANS], ids=["Bayer", "X-Trans"])
def test_noise_alone_has_no_hot_pixels(pattern: bytes) -> None:
    mosaic = noisy_mosaic(pattern)
    before = mosaic.samples.copy()
    assert repair_hot_pixels(mosaic, LEVELS) <= 2
    assert (mosaic.samples != before).sum() <= 2


@pytest.mark.parametrize("deviation", [0.003, 0.02])
@pytest.mark.parametrize("width_px", [0.45, 0.6])
def test_stars_are_no_hot_pixels(width_px: float, deviation: float) -> None:
    rows, columns = np.mgrid[:200, :200]
    light = np.full((200, 200, 3), 0.02)
    random = np.random.default_rng(0)
    for row, column in random.uniform(10, 190, (40, 2)):
        distance = (rows - row) ** 2 + (columns - column) ** 2
        light += random.uniform(0.1, 0.9) * np.exp(-distance / (2 * width_px**2))[..., None]
    samples = mosaic_of(light, black=0, white=65535) / 65535
    samples += random.normal(scale=deviation, size=samples.shape)
    mosaic = Mosaic(samples.astype(np.float32), colours_of(RGGB))
    levels = np.tile(np.array([0.0, deviation**2], np.float32), (3, 1))
    assert repair_hot_pixels(mosaic, levels) <= 1


def test_a_tiny_mosaic_is_left_alone() -> None:
    assert repair_hot_pixels(Mosaic(np.eye(8, dtype=np.float32), colours_of(RGGB)), LEVELS) == 0


@pytest.mark.parametrize("pattern", [RGGB, XTRANS], ids=["Bayer", "X-Trans"])
def test_bad_sites_get_their_neighbours_value(pattern: bytes) -> None:
    light = np.full((30, 30, 3), 0.4)
    samples = (mosaic_of(light, pattern, black=0, white=65535) / 65535).astype(np.float32)
    mosaic, clean = Mosaic(samples.copy(), colours_of(pattern)), samples
    bad = np.zeros((30, 30), bool)
    bad[0, 0] = bad[29, 29] = True
    bad[10:12, 10:14] = True
    mosaic.samples[bad] = 1
    fill_sites(mosaic, bad)
    assert np.allclose(mosaic.samples, clean)


def test_the_nearest_neighbours_have_the_same_colour() -> None:
    colours = colours_of(XTRANS)
    for row in range(6):
        for column in range(6):
            steps = same_colour_steps(colours, row, column)
            assert len(set(steps)) == 8
            assert {colours[(row + y) % 6, (column + x) % 6] for y, x in steps} == {colours[row, column]}


def test_a_gain_map_is_interpolated_between_its_points() -> None:
    gains = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)[..., None]
    samples = np.full((10, 20), 0.1, np.float32)
    assert apply_levels(samples, read_opcodes(opcode_list(gain_map(area(0, 0, 10, 20), gains)))) == []
    down, across = (np.arange(10) + 0.5) / 10, (np.arange(20) + 0.5) / 20
    expected = 0.1 * (1 + 2 * down[:, None] + across[None, :])
    assert np.allclose(samples, expected, atol=1e-6)


def test_a_gain_map_of_every_other_site_leaves_the_others_alone() -> None:
    samples = np.full((8, 8), 0.2, np.float32)
    gains = np.full((3, 3, 1), 2.0, np.float32)
    where = area(1, 0, 8, 8, pitch=(2, 2))
    apply_levels(samples, read_opcodes(opcode_list(gain_map(where, gains))))
    assert (samples[1::2, ::2] == np.float32(0.4)).all()
    assert (samples == np.float32(0.2)).sum() == 48


def test_a_gain_map_with_planes_changes_each_plane_by_its_own() -> None:
    samples = np.full((6, 6, 3), 0.1, np.float32)
    gains = np.ones((1, 1, 3), np.float32) * (1, 2, 3)
    apply_levels(samples, read_opcodes(opcode_list(gain_map(area(0, 0, 6, 6, planes=3), gains))))
    assert np.allclose(samples, np.float32(0.1) * np.array((1, 2, 3)))


def test_what_a_gain_map_lifts_above_white_is_white() -> None:
    samples = np.full((6, 6), 0.8, np.float32)
    apply_levels(samples, read_opcodes(opcode_list(gain_map(area(0, 0, 6, 6), np.full((1, 1, 1), 2.0)))))
    assert (samples == 1).all()


@pytest.mark.parametrize(
    ("number", "parameters", "expected"),
    [
        (7, struct.pack(">I", 65536) + (np.arange(65536) // 2).astype(">u2").tobytes(), 0.1),
        (8, struct.pack(">I3d", 2, 0.0, 0.5, 1.0), 0.14),
        (10, struct.pack(">I4f", 4, *[0.25] * 4), 0.45),
        (11, struct.pack(">I4f", 4, *[-0.5] * 4), -0.3),
        (12, struct.pack(">I4f", 4, *[2.0] * 4), 0.4),
        (13, struct.pack(">I4f", 4, *[0.5] * 4), 0.1),
    ],
    ids=["table", "polynomial", "delta per row", "delta per column", "scale per row", "scale per column"],
)
def test_opcodes_that_change_levels_are_applied(number: int, parameters: bytes, expected: float) -> None:
    samples = np.full((6, 6), 0.2, np.float32)
    apply_levels(samples, read_opcodes(opcode_list(opcode(number, area(1, 1, 5, 5) + parameters))))
    assert np.allclose(samples[1:5, 1:5], expected, atol=1e-4)
    samples[1:5, 1:5] = 0.2
    assert (samples == np.float32(0.2)).all()


def test_lens_opcodes_are_handed_back_in_their_order() -> None:
    steps = [opcode(1, b"warp"), opcode(9999, b"?", optional=True), opcode(3, b"vignette")]
    read = read_opcodes(opcode_list(*steps))
    left = apply_levels(np.zeros((4, 4), np.float32), read)
    assert pack_opcodes(left) == opcode_list(*steps)


def test_an_unknown_opcode_that_must_be_done_is_refused_by_its_number() -> None:
    with pytest.raises(UnsupportedFileError, match="opcode 9999"):
        apply_levels(np.zeros((4, 4), np.float32), read_opcodes(opcode_list(opcode(9999, b""))))


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0\2" + opcode(9, b""),
        struct.pack(">I", 1 << 31),
        opcode_list(opcode(9, b"short")),
        opcode_list(opcode(9, area(0, 0, 4, 4, pitch=(0, 1)) + bytes(44))),
        opcode_list(opcode(9, area(0, 0, 4, 4) + struct.pack(">2I4dI", 1 << 20, 1 << 20, 1, 1, 0, 0, 1))),
        opcode_list(opcode(9, area(0, 0, 4, 4) + struct.pack(">2I4dIf", 1, 1, 1, 1, 0, 0, 1, float("nan")))),
        opcode_list(opcode(7, area(0, 0, 4, 4) + struct.pack(">I", 70000))),
        opcode_list(opcode(8, area(0, 0, 4, 4) + struct.pack(">I", 200))),
        opcode_list(opcode(10, area(0, 0, 4, 4) + struct.pack(">I", 4))),
    ],
)
def test_nonsense_in_opcodes_is_damage(data: bytes) -> None:
    with pytest.raises(DamagedFileError):
        apply_levels(np.zeros((4, 4), np.float32), read_opcodes(data))


def test_bad_pixel_opcodes_name_points_areas_and_a_value() -> None:
    stored = np.full((8, 8), 100, np.uint16)
    stored[7, 7] = 0
    listed = struct.pack(">3I", 0, 2, 1) + struct.pack(">4I", 1, 2, 3, 4) + struct.pack(">4I", 5, 5, 7, 7)
    bad = bad_sites(stored, read_opcodes(opcode_list(opcode(4, struct.pack(">2I", 0, 0)), opcode(5, listed))))
    assert bad is not None
    assert sorted(map(tuple, np.argwhere(bad).tolist())) == [
        (1, 2),
        (3, 4),
        (5, 5),
        (5, 6),
        (6, 5),
        (6, 6),
        (7, 7),
    ]
    assert bad_sites(stored, ()) is None
