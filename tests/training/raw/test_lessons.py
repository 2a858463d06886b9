"""Lessons of the raw network: the same for the same step, within their ranges, and told about noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from lgbpn_cli.errors import UsageError
from lgbpn_cli.training.config import RawTrainingConfig
from lgbpn_cli.training.raw import lessons
from lgbpn_cli.training.raw.cameras import MATRICES_FILE, CameraData, read_camera_data
from lgbpn_cli.training.raw.lessons import RawSampler, RawScenes, told, varied_light

CONFIG = RawTrainingConfig(batch=6, crop_px=32)


def test_lessons_depend_on_the_step_alone(camera_data: CameraData, raw_scenes: list[RawScenes]) -> None:
    first, again = (RawSampler(raw_scenes, camera_data, CONFIG) for _ in range(2))
    first.batch(0)
    assert torch.equal(first.batch(5).planes, again.batch(5).planes)
    assert not torch.equal(first.batch(6).planes, again.batch(5).planes)


def test_shapes_and_ranges(camera_data: CameraData, raw_scenes: list[RawScenes]) -> None:
    batch = RawSampler(raw_scenes, camera_data, CONFIG).batch(1)
    assert batch.planes.shape == (6, 4, 16, 16)
    assert batch.scene.shape == (6, 3, 32, 32)
    assert batch.noise.shape == (6, 3, 2)
    assert batch.gains.shape == (6, 3)
    assert batch.to_srgb.shape == (6, 3, 3)
    torch.testing.assert_close(
        batch.to_srgb.sum(dim=2), torch.ones(6, 3), atol=1e-4, rtol=0
    )  # grey stays grey
    assert all(each.dtype == torch.float32 for each in vars(batch).values())
    assert 0 <= batch.scene.min() <= batch.scene.max() <= 1
    assert batch.planes.max() <= 1


def test_a_mosaic_is_its_scene_with_noise(camera_data: CameraData, raw_scenes: list[RawScenes]) -> None:
    config = RawTrainingConfig(batch=8, crop_px=32, shot=(1e-6, 2e-6))
    batch = RawSampler(raw_scenes, camera_data, config).batch(2)
    of_sites = torch.stack(
        [
            batch.scene[:, 0, ::2, ::2],
            batch.scene[:, 1, ::2, 1::2],
            batch.scene[:, 1, 1::2, ::2],
            batch.scene[:, 2, 1::2, 1::2],
        ],
        dim=1,
    )
    error = (batch.planes - of_sites).abs().flatten(1).median(dim=1).values
    assert error.max() < 4e-3


def test_some_scenes_are_six_stops_under(camera_data: CameraData, raw_scenes: list[RawScenes]) -> None:
    config = RawTrainingConfig(batch=64, crop_px=16)
    brightest = RawSampler(raw_scenes, camera_data, config).batch(0).scene.amax(dim=(1, 2, 3))
    assert brightest.min() < 0.08
    assert (brightest >= 1).any()


def test_lamps_are_brighter_than_white_and_nothing_is_below_black() -> None:
    light = np.linspace(0, 1, 32 * 32 * 3, dtype=np.float32).reshape(32, 32, 3)
    scenes = [varied_light(light, np.random.default_rng(seed), RawTrainingConfig()) for seed in range(60)]
    assert max(scene.max() for scene in scenes) > 2
    assert min(scene.min() for scene in scenes) >= 0


def test_the_told_noise_is_sometimes_wrong_by_up_to_two() -> None:
    noise, random = np.array([[2e-3, 1e-5]] * 3), np.random.default_rng(0)
    factors = np.stack([told(noise, random) / noise for _ in range(500)])
    assert 0.45 < factors.min() < 0.6
    assert 1.7 < factors.max() < 2.2
    assert 0.9 < np.median(factors) < 1.1


def test_missing_facts_about_cameras_are_named(camera_folder: Path) -> None:
    (camera_folder / MATRICES_FILE).write_text("{}")
    with pytest.raises(UsageError, match="xyz_to_camera"):
        read_camera_data(camera_folder)
    (camera_folder / MATRICES_FILE).unlink()
    with pytest.raises(UsageError, match=r"camera-matrices\.json: cannot be read"):
        read_camera_data(camera_folder)


def test_scenes_are_drawn_as_often_as_is_asked(
    camera_data: CameraData, raw_scenes: list[RawScenes], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []

    def draw(side: int, random: np.random.Generator) -> np.ndarray:
        drawn.append(side)
        return np.full((side, side, 3), 0.5, np.float32)

    monkeypatch.setattr(lessons, "draw_scene", draw)
    for share, least, most in ((0.0, 0, 0), (0.5, 8, 32), (1.0, 40, 40)):
        drawn.clear()
        config = RawTrainingConfig(batch=40, crop_px=32, drawn_share=share)
        RawSampler(raw_scenes, camera_data, config).batch(0)
        assert least <= len(drawn) <= most


def test_more_colour_leaves_single_colours_without_light() -> None:
    light = np.random.default_rng(0).random((16, 16, 3), np.float32) * 0.4 + 0.2
    dark = [
        np.mean(
            [
                (
                    varied_light(light, np.random.default_rng(seed), RawTrainingConfig(most_colour=most))
                    < 0.005
                ).mean()
                for seed in range(60)
            ]
        )
        for most in (1.6, 4.0)
    ]
    assert dark[1] > dark[0] + 0.005


def test_scenes_are_as_soft_as_often_as_is_asked() -> None:
    stripes = np.zeros((16, 16, 3), np.float32)
    stripes[:, ::2] = 0.6
    contrast = [
        np.mean(
            [
                np.ptp(
                    varied_light(
                        stripes, np.random.default_rng(seed), RawTrainingConfig(blurred_share=share)
                    )[8, 4:12, 1]
                )
                for seed in range(60)
            ]
        )
        for share in (0.0, 0.5, 1.0)
    ]
    assert contrast[0] > contrast[1] + 0.05 > contrast[2] + 0.1


@pytest.mark.parametrize(
    "wrong", [{"drawn_share": 1.5}, {"blurred_share": -0.1}, {"most_colour": 0.5}, {"coarse_weight": -1.0}]
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        RawTrainingConfig(**wrong)  # type: ignore[arg-type]  # all of them are numbers
