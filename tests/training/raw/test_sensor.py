"""Synthetic mosaics have the noise that is asked for, in amount, tails and rows."""

from __future__ import annotations

import numpy as np
import pytest

from lgbpn_cli.training.raw import sensor as sensor_module
from lgbpn_cli.training.raw.cameras import CameraData, Sensor, draw_colours, draw_sensor
from lgbpn_cli.training.raw.sensor import expose, mosaic_of, packed, spoil_sites, tukey_lambda

PLAIN_SHARES = ("BLACK_COLOUR_SHARE", "HOT_SHARE", "CLIPPED_BLACK_SHARE")


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames without a colour of black, hot sites, or clipping at black."""
    for share in PLAIN_SHARES:
        monkeypatch.setattr(sensor_module, share, 0.0)


def made(a: float, b: float, **more: float) -> Sensor:
    return Sensor(
        np.array([[1.2 * a, b], [a, b], [a, b]]), more.get("tail", 0.14), more.get("row_sigma", 0.0)
    )


def test_a_mosaic_takes_each_site_from_its_colour() -> None:
    scene = np.broadcast_to(np.array([1, 2, 3], np.float32), (4, 6, 3))
    assert mosaic_of(scene)[:2, :2].tolist() == [[1, 2], [2, 3]]
    assert [plane.mean() for plane in packed(mosaic_of(scene))] == [1, 2, 2, 3]


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("light", [0.0, 0.05, 0.4])
def test_the_variance_is_a_x_plus_b_and_the_mean_the_scene(light: float) -> None:
    a, b = 2e-3, 2e-5
    mosaic = expose(np.full((400, 400, 3), light, np.float32), made(a, b), np.random.default_rng(0))
    red, green = packed(mosaic)[:2]
    assert green.var() == pytest.approx(a * light + b, rel=0.05)
    assert red.var() == pytest.approx(1.2 * a * light + b, rel=0.05)
    assert green.mean() == pytest.approx(light, abs=4 * (a * light + b) ** 0.5 / 200)


@pytest.mark.usefixtures("plain")
def test_a_row_has_noise_of_its_own() -> None:
    sensor = made(1e-4, 1e-6, row_sigma=0.01)
    mosaic = expose(np.full((300, 300, 3), 0.2, np.float32), sensor, np.random.default_rng(1))
    assert mosaic[:, ::2].mean(axis=1)[1::2].std() == pytest.approx(0.01, rel=0.25)
    assert mosaic.mean(axis=0).std() < 0.003 + np.abs(mosaic[:, ::2].mean() - mosaic[:, 1::2].mean())


@pytest.mark.usefixtures("plain")
def test_nothing_lies_above_white() -> None:
    mosaic = expose(np.full((64, 64, 3), 1.3, np.float32), made(1e-2, 1e-5), np.random.default_rng(2))
    assert mosaic.max() == 1
    assert (mosaic == 1).mean() > 0.9


@pytest.mark.parametrize("shape", [-0.24, -0.1, 0.0, 0.14, 0.2])
def test_tukeys_lambda_has_a_variance_of_one(shape: float) -> None:
    values = tukey_lambda(shape, (1000, 1000), np.random.default_rng(3))
    assert values.var() == pytest.approx(1, rel=0.04)
    assert values.mean() == pytest.approx(0, abs=0.01)


def test_a_smaller_shape_has_longer_tails() -> None:
    beyond = [
        (np.abs(tukey_lambda(shape, (1000, 1000), np.random.default_rng(4))) > 4).mean()
        for shape in (0.14, 0.0, -0.2)
    ]
    assert beyond[0] < beyond[1] < beyond[2]


def test_hot_sites_are_as_many_as_asked_for() -> None:
    mosaic = np.full((1000, 1000), 0.1, np.float32)
    spoil_sites(mosaic, 1e-3, np.random.default_rng(5))
    assert (mosaic != np.float32(0.1)).sum() == pytest.approx(1000, rel=0.15)
    assert mosaic.min() == 0
    assert mosaic.max() > 0.5


def test_grey_stays_grey_in_the_cameras_colours(camera_data: CameraData) -> None:
    matrix, gains = draw_colours(camera_data, np.random.default_rng(6))
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-5)
    assert gains[1] == 1
    assert gains.min() >= 0.5
    assert gains.max() <= 4


def test_sensors_lie_in_the_range_asked_for(camera_data: CameraData) -> None:
    random = np.random.default_rng(7)
    sensors = [draw_sensor(camera_data, (1e-4, 1e-2), random) for _ in range(300)]
    shots = np.array([each.noise[1, 0] for each in sensors])
    assert 0.8e-4 < shots.min() < 3e-4
    assert 3e-3 < shots.max() < 1.3e-2
    assert all((each.noise > 0).all() for each in sensors)
    assert 0.2 < np.mean([each.row_sigma > 0 for each in sensors]) < 1
