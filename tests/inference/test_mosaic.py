"""Mosaics through the raw network: any phase, any tile, any size; what was clipped stays white."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from lgbpn_cli.config import InferenceConfig, RawConfig
from lgbpn_cli.denoise.working import encode_light
from lgbpn_cli.inference.mosaic import BayerMosaic, run_raw_network
from lgbpn_cli.inference.plan import BAND_PX, Plan
from lgbpn_cli.inference.watch import Watch
from lgbpn_cli.machine.device import Hardware, choose_device
from lgbpn_cli.models.load import Model, load_model
from lgbpn_cli.network.raw import RawNetwork

NOISE = np.array([[2.3e-3, 1.3e-5], [2.1e-3, 1.3e-5], [2.2e-3, 1.3e-5]], np.float32)
RGGB = ((0, 1), (1, 2))
PATTERNS = (RGGB, ((1, 0), (2, 1)), ((1, 2), (0, 1)), ((2, 1), (1, 0)))


def raw_model(*, random: bool = True) -> Model:
    torch.manual_seed(0)
    network = RawNetwork(RawConfig(widths=(4, 6, 8))).eval()
    if random:
        torch.nn.init.normal_(network.exit.weight, std=0.1)
    return Model("mine", "", "sidd", network, choose_device("cpu", Hardware()))


def mosaic_of(scene: np.ndarray, pattern: tuple[tuple[int, int], ...] = RGGB) -> BayerMosaic:
    height, width = scene.shape[:2]
    colours = np.array(pattern, np.uint8)
    sites = np.tile(colours, (height // 2 + 1, width // 2 + 1))[:height, :width]
    samples = np.take_along_axis(scene, sites[..., None].astype(int), 2)[..., 0]
    return BayerMosaic(samples.astype(np.float32), colours, NOISE, (2.0, 1.0, 1.6))


def scene(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(0.05, 0.6, (height, width, 3)).astype(np.float32)


CONFIG = InferenceConfig(precision="float32")


@pytest.mark.parametrize("size", [(1041, 48), (1301, 17), (8 * BAND_PX + 8, 33), (18, 1500)], ids=str)
@pytest.mark.parametrize("pattern", [RGGB, PATTERNS[3]], ids=str)
def test_a_mosaic_in_bands_is_that_in_one_piece(
    size: tuple[int, int], pattern: tuple[tuple[int, int], ...]
) -> None:
    plans: list[Plan] = []
    model, mosaic, watch = raw_model(), mosaic_of(scene(*size), pattern), Watch(planned=plans.append)
    whole = run_raw_network(mosaic, model, replace(CONFIG, tile_px=4096), watch=watch)
    banded = run_raw_network(mosaic, model, CONFIG, watch=watch)
    assert [plan.band_px for plan in plans] == [None, BAND_PX]
    assert whole is not None
    assert banded is not None
    assert whole.std() > 0.1
    np.testing.assert_allclose(banded, whole, rtol=0, atol=5e-5)


@pytest.mark.parametrize(("row", "column"), [(0, 1), (1, 0), (1, 1)])
def test_every_phase_gives_what_the_same_sites_give_as_rggb(row: int, column: int) -> None:
    model, whole = raw_model(), mosaic_of(scene(150, 150))
    pattern = np.roll(whole.pattern, (-row, -column), axis=(0, 1))
    part = BayerMosaic(whole.samples[row:, column:], pattern, NOISE, whole.gains)
    expected, found = (run_raw_network(each, model, CONFIG) for each in (whole, part))
    assert expected is not None
    assert found is not None
    far = RawConfig(widths=(4, 6, 8)).reach_px  # what the first row or column reflects reaches no farther
    assert found.shape == (150 - row, 150 - column, 3)
    np.testing.assert_allclose(found[far - row :, far - column :], expected[far:, far:], atol=1e-5)


@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_an_untrained_network_keeps_every_site_in_its_place(
    pattern: tuple[tuple[int, int], ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "lgbpn_cli.network.raw._strip_following_green", lambda strip, _: strip[..., 2:-2, 2:-2]
    )
    mosaic = mosaic_of(scene(21, 34), pattern)
    result = run_raw_network(mosaic, raw_model(random=False), CONFIG)
    assert result is not None
    sites = np.tile(mosaic.pattern, (11, 17))[:21, :34]
    of_sites = np.take_along_axis(result, sites[..., None].astype(int), 2)[..., 0]
    np.testing.assert_allclose(of_sites, mosaic.samples, atol=1e-5)


@pytest.mark.parametrize("pattern", PATTERNS[:2], ids=str)
def test_tiles_do_not_show(pattern: tuple[tuple[int, int], ...]) -> None:
    mosaic, model = mosaic_of(scene(150, 210), pattern), raw_model()
    whole = run_raw_network(mosaic, model, CONFIG)
    tiled = run_raw_network(mosaic, model, InferenceConfig(precision="float32", tile_px=64))
    assert whole is not None
    assert tiled is not None
    np.testing.assert_allclose(tiled, whole, atol=1e-5)


@pytest.mark.parametrize("turned", ["rows", "columns", "transposed"])
def test_the_best_quality_looks_at_a_mosaic_from_all_sides(turned: str) -> None:
    model, whole = raw_model(), mosaic_of(scene(152, 128))  # on the grid of sampling from either side
    look: Any = {"rows": np.flipud, "columns": np.fliplr, "transposed": np.transpose}[turned]
    other = BayerMosaic(np.ascontiguousarray(look(whole.samples)), look(whole.pattern), NOISE, whole.gains)
    back = (lambda light: light.swapaxes(0, 1)) if turned == "transposed" else look
    far = RawConfig(widths=(4, 6, 8)).reach_px  # at the edges it matters what is reflected

    def difference(**how: Any) -> float:
        config = InferenceConfig(precision="float32", **how)
        one, two = (np.asarray(run_raw_network(each, model, config)) for each in (whole, other))
        return float(np.abs(one - back(two))[far:-far, far:-far].max())

    assert difference(quality="best") < 1e-5
    assert difference(quality="best", tile_px=64) < 1e-5
    assert difference(quality="fast") > 1e-3


def test_tiles_of_the_network_that_ships_differ_by_less_than_bfloat16_rounds() -> None:
    model = load_model("lgbpn-base", part="raw", device=choose_device("cpu", Hardware()))
    light = np.kron(scene(16, 16), np.ones((16, 16, 1), np.float32)) / 20
    strong = np.array([[1.4e-2, 2.4e-4]] * 3, np.float32)
    sites = mosaic_of(light).samples
    sites += np.random.default_rng(1).normal(0, np.sqrt(1.4e-2 * sites + 2.4e-4)).astype(np.float32)
    mosaic = BayerMosaic(sites, np.array(RGGB, np.uint8), strong, (2.0, 1.0, 1.6))

    def shown(**how: Any) -> np.ndarray:
        result = run_raw_network(mosaic, model, InferenceConfig(**how))
        assert result is not None
        return encode_light(np.clip(result, 0, 1))

    whole = shown(precision="float32")
    rounded, tiled, narrow = (
        float(np.abs(shown(**how) - whole).max())
        for how in (
            {"precision": "bfloat16"},
            {"precision": "float32", "tile_px": 128},
            {"precision": "float32", "tile_px": 128, "halo_px": 16},
        )
    )
    assert tiled < rounded < narrow


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 2), (3, 5)], ids=str)
@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_small_mosaics_come_out(size: tuple[int, int], pattern: tuple[tuple[int, int], ...]) -> None:
    result = run_raw_network(mosaic_of(scene(*size), pattern), raw_model(), CONFIG)
    assert result is not None
    assert result.shape == (*size, 3)
    assert np.isfinite(result).all()


def test_what_is_clipped_is_white_and_the_other_colours_keep_theirs() -> None:
    light = np.full((32, 32, 3), 0.4, np.float32)
    light[8:24, 8:24, 1] = 1.0
    result = run_raw_network(mosaic_of(light), raw_model(), CONFIG)
    assert result is not None
    assert (result[10:22, 10:22, 1] >= 1).all()
    assert result[10:22, 10:22, 0].max() < 0.99


def test_a_pattern_that_is_no_bayer_sensors_is_refused() -> None:
    mosaic = BayerMosaic(np.zeros((8, 8), np.float32), np.array([[1, 1], [1, 2]], np.uint8), NOISE, (1, 1, 1))
    with pytest.raises(ValueError, match="Bayer"):
        run_raw_network(mosaic, raw_model(), CONFIG)


def test_callers_hear_of_the_plan_and_of_every_tile() -> None:
    plans: list[Plan] = []
    done: list[tuple[int, int]] = []
    run_raw_network(
        mosaic_of(scene(100, 150)),
        raw_model(),
        InferenceConfig(precision="float32", tile_px=64),
        watch=Watch(tile=lambda *count: done.append(count), planned=plans.append),
    )
    assert len(plans) == 1
    assert done[-1] == (6, 6)
