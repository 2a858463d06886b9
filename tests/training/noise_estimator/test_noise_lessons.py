"""The lessons of the noise estimator: their answers are the noise that is in the tiles, and repeat by step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_training import noisy_photo

from lgbpn_cli.training.noise import grain
from lgbpn_cli.training.noise.transplant import learn_noise
from lgbpn_cli.training.noise_estimator import lessons as noise_lessons
from lgbpn_cli.training.noise_estimator.lessons import SCENE_PX, SCENES, NoiseLessons

FLOOR = 0.5 * np.log(0.1)
"""What is said of cells without noise."""


def lessons(seed: int = 3) -> NoiseLessons:
    grey = np.full((SCENE_PX + 20, SCENE_PX + 40, 3), 110, np.uint8)
    noisy = noisy_photo(SCENE_PX + 10, SCENE_PX + 30, 1)
    smooth = np.full_like(noisy, 128)
    return NoiseLessons([[grey, grey[:, 5:]]], [smooth], [[learn_noise(noisy, smooth)]], seed)


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Scenes as they are, none as taken, never a JPEG; what is laid on them is up to the test."""
    monkeypatch.setattr(noise_lessons, "varied", lambda scene, random: scene)
    for name in (
        "AS_TAKEN_SHARE",
        "ENLARGED_SHARE",
        "UNEQUAL_SHARE",
        "TONED_SHARE",
        "GREY_SHARE",
        "JPEG_SHARE",
        "NO_NOISE_SHARE",
        "RECOLOURED_SHARE",
        "MADE_SHARE",
        "GRAIN_SHARE",
        "CAMERA_SHARE",
    ):
        monkeypatch.setattr(noise_lessons, name, 0.0)
    return monkeypatch


def test_a_step_has_the_same_lesson_every_time_and_another_one_another() -> None:
    (tiles, answers, photos), (again, same, equal), (other, _, _) = (
        lessons().lesson(step) for step in (4, 4, 5)
    )
    assert tiles.shape == (4 * SCENES, 3, 64, 64)
    assert answers.shape == (4 * SCENES, 3, 2, 2)
    assert torch.equal(photos, equal)
    assert 0 <= float(tiles.min()) <= float(tiles.max()) <= 1
    torch.testing.assert_close(again, tiles)
    torch.testing.assert_close(same, answers)
    assert not torch.equal(other, tiles)
    assert not torch.equal(lessons(seed=8).lesson(4)[0], tiles)


@pytest.mark.parametrize("kind", ["GRAIN_SHARE", "CAMERA_SHARE", "MADE_SHARE", None])
def test_the_answer_is_the_noise_of_its_own_cell(only: pytest.MonkeyPatch, kind: str | None) -> None:
    if kind:
        only.setattr(noise_lessons, kind, 1.0)
    only.setattr(noise_lessons, "TEXTURE_SHARE", 1.0)
    tiles, answers, _ = lessons().lesson(0)  # of scenes without any detail: all that varies is noise
    cells = (255 * tiles).reshape(-1, 3, 2, 32, 2, 32)
    expected = 0.5 * (cells.var(dim=(3, 5), correction=0) + 0.1).log()
    torch.testing.assert_close(answers, expected, atol=1e-3, rtol=1e-3)
    assert float(answers.max()) > 0


def test_all_tiles_of_a_photo_have_the_same_noise_and_photos_differ(only: pytest.MonkeyPatch) -> None:
    only.setattr(noise_lessons, "TEXTURE_SHARE", 1.0)
    for kind in ("CAMERA_SHARE", None, "GRAIN_SHARE"):
        for name in ("CAMERA_SHARE", "GRAIN_SHARE"):
            only.setattr(noise_lessons, name, float(name == kind))
        means = []
        for step in range(3):
            _, answers, photos = lessons().lesson(step)
            assert photos.tolist() == sorted(photos.tolist())
            lengths = torch.bincount(photos)
            assert sum(lengths.tolist()) == 4 * SCENES
            assert 4 <= int(lengths.min()) <= int(lengths.max()) <= 4 * noise_lessons.MOST_SCENES
            for photo in range(len(lengths)):
                of_photo = answers[photos == photo]
                assert float(of_photo.std(dim=(0, 2, 3)).max()) < 0.2
                means.append(float(of_photo.mean()))
        assert np.std(means) > 0.3


def test_parts_of_a_photo_may_keep_a_part_of_their_noise_or_none(only: pytest.MonkeyPatch) -> None:
    only.setattr(noise_lessons, "GRAIN_SHARE", 1.0)
    only.setattr(noise_lessons, "TEXTURE_SHARE", 1.0)
    only.setattr(grain, "LEVELS", (20.0, 20.1))
    only.setattr(noise_lessons, "UNEQUAL_SHARE", 1.0)
    only.setattr(noise_lessons, "NOTHING_LEFT_SHARE", 0.0)
    levels = lessons().lesson(0)[1].exp().mean(dim=(1, 2, 3)).reshape(SCENES, 4)
    assert float((levels.std(dim=1) / levels.mean(dim=1)).max()) < 0.2  # the tiles of a scene are alike
    assert 20 * noise_lessons.LEAST_LEFT * 0.7 < float(levels.min()) < 9
    assert 14 < float(levels.max()) < 26
    only.setattr(noise_lessons, "NOTHING_LEFT_SHARE", 1.0)
    assert lessons().lesson(0)[1] == pytest.approx(FLOOR, abs=1e-4)


def test_another_tone_curve_changes_noise_as_it_changes_the_picture(only: pytest.MonkeyPatch) -> None:
    only.setattr(noise_lessons, "GRAIN_SHARE", 1.0)
    only.setattr(noise_lessons, "TEXTURE_SHARE", 1.0)
    assert (255 * lessons().lesson(2)[0]).median() == pytest.approx(110, abs=2)
    only.setattr(noise_lessons, "TONED_SHARE", 1.0)
    tiles, answers, _ = lessons().lesson(2)
    cells = (255 * tiles).reshape(-1, 3, 2, 32, 2, 32)
    expected = 0.5 * (cells.var(dim=(3, 5), correction=0) + 0.1).log()
    torch.testing.assert_close(answers, expected, atol=1e-3, rtol=1e-3)
    assert float(((255 * tiles).flatten(1).median(dim=1).values - 110).abs().max()) > 10
    for seed in range(5):
        curve = noise_lessons._tone_curve(np.random.default_rng(seed)).astype(int)
        assert (curve[0], curve[255]) == (0, 255)
        assert np.diff(curve).min() >= 0
        assert np.abs(curve - np.arange(256)).max() > 8


def test_a_photo_may_show_one_picture_or_several(only: pytest.MonkeyPatch) -> None:
    only.setattr(noise_lessons, "NO_NOISE_SHARE", 1.0)
    only.setattr(noise_lessons, "TEXTURE_SHARE", 1.0)
    pictures = [[np.full((SCENE_PX, SCENE_PX, 3), level, np.uint8)] for level in range(10, 250, 10)]
    for share, largest in ((1.0, 1), (0.0, noise_lessons.MOST_SCENES)):
        only.setattr(noise_lessons, "ONE_PICTURE_SHARE", share)
        tiles, _, photos = NoiseLessons(pictures, [], [], 0).lesson(2)
        shown = [len(tiles[photos == photo].unique()) for photo in photos.unique()]
        assert max(shown) <= largest
        assert (max(shown) > 1) == (largest > 1)


def test_a_photo_as_taken_has_its_own_noise_at_its_strength_or_weaker(only: pytest.MonkeyPatch) -> None:
    only.setattr(noise_lessons, "AS_TAKEN_SHARE", 1.0)
    only.setattr(noise_lessons, "FULL_STRENGTH_SHARE", 1.0)
    random = np.random.default_rng(1)
    cleaned = np.repeat(np.arange(100, 100 + SCENE_PX, dtype=np.uint8)[:, None, None], SCENE_PX, axis=1)
    cleaned = np.repeat(cleaned, 3, axis=2)
    noisy = (cleaned + np.rint(6 * random.standard_normal(cleaned.shape))).clip(0, 255).astype(np.uint8)
    found = NoiseLessons([], [], [[learn_noise(noisy, cleaned)]], 0)
    tiles, answers, _ = found.lesson(0)
    assert set((255 * tiles[:4]).round().unique().tolist()) <= set(np.unique(noisy).tolist())
    assert float(answers.exp().mean()) == pytest.approx(6, rel=0.05)
    only.setattr(noise_lessons, "FULL_STRENGTH_SHARE", 0.0)
    only.setattr(noise_lessons, "WEAKEST", 0.5)
    _, weaker, photos = found.lesson(0)
    means = [float(weaker[photos == photo].exp().mean()) for photo in photos.unique()]
    assert 2.8 < min(means) < max(means) < 6.1
    assert np.std(means) > 0.3


def test_a_scene_without_noise_says_so(only: pytest.MonkeyPatch) -> None:
    only.setattr(noise_lessons, "NO_NOISE_SHARE", 1.0)
    assert lessons().lesson(0)[1] == pytest.approx(FLOOR, abs=1e-4)


def test_what_jpeg_does_to_the_scene_is_no_noise(only: pytest.MonkeyPatch) -> None:
    only.setattr(noise_lessons, "NO_NOISE_SHARE", 1.0)
    only.setattr(noise_lessons, "JPEG_SHARE", 1.0)
    edges = np.zeros((SCENE_PX, SCENE_PX, 3), np.uint8)
    edges[::7, ::5] = 255
    tiles, answers, _ = NoiseLessons([[edges]], [edges], [], 0).lesson(0)
    assert answers == pytest.approx(FLOOR, abs=1e-4)
    levels = torch.unique(torch.round(255 * tiles))
    assert len(levels) > 2  # they did go through a JPEG


def test_enlarged_noise_is_coarser_and_the_answer_is_what_is_left_of_it(only: pytest.MonkeyPatch) -> None:
    only.setattr(noise_lessons, "GRAIN_SHARE", 1.0)
    only.setattr(grain, "WHITE_SHARE", 1.0)
    only.setattr(noise_lessons, "TEXTURE_SHARE", 1.0)

    def neighbours(tiles: torch.Tensor) -> float:
        noise = tiles - tiles.mean(dim=(2, 3), keepdim=True)
        return float((noise[..., 1:] * noise[..., :-1]).mean() / (noise**2).mean())

    assert neighbours(lessons().lesson(0)[0]) == pytest.approx(0, abs=0.05)
    only.setattr(noise_lessons, "ENLARGED_SHARE", 1.0)
    tiles, answers, _ = lessons().lesson(0)
    assert neighbours(tiles) > 0.2
    cells = (255 * tiles).reshape(-1, 3, 2, 32, 2, 32)
    expected = 0.5 * (cells.var(dim=(3, 5), correction=0) + 0.1).log()
    torch.testing.assert_close(answers, expected, atol=1e-3, rtol=1e-3)


def test_a_grey_scene_has_the_same_noise_in_all_channels(only: pytest.MonkeyPatch) -> None:
    only.setattr(noise_lessons, "CAMERA_SHARE", 1.0)
    only.setattr(noise_lessons, "MOST_SCENES", 1)  # many photos
    only.setattr(noise_lessons, "GREY_SHARE", 1.0)
    tiles, answers, _ = lessons().lesson(0)
    assert torch.equal(tiles[:, 0], tiles[:, 1])
    assert torch.equal(tiles[:, 0], tiles[:, 2])
    assert torch.equal(answers[:, 0], answers[:, 2])
    assert float(answers.max()) > 0


def test_sets_of_noise_come_equally_often(only: pytest.MonkeyPatch) -> None:
    smooth = np.full((SCENE_PX, SCENE_PX, 3), 128, np.uint8)
    random = np.random.default_rng(0)
    weak, strong = (
        learn_noise(
            np.clip(smooth + level * random.standard_normal(smooth.shape), 0, 255).astype(np.uint8), smooth
        )
        for level in (3, 30)
    )
    only.setattr(noise_lessons, "WEAKEST", 1.0)
    only.setattr(noise_lessons, "MOST_SCENES", 1)
    found = NoiseLessons([[smooth]], [smooth], [[weak] * 9, [strong]], 0)
    levels = torch.cat([found.lesson(step)[1].mean(dim=(1, 2, 3)) for step in range(8)])
    assert (levels > np.log(12)).float().mean() == pytest.approx(0.5, abs=0.2)


def test_some_photos_have_their_channels_exchanged_with_their_noise(only: pytest.MonkeyPatch) -> None:
    only.setattr(noise_lessons, "TEXTURE_SHARE", 1.0)
    only.setattr(noise_lessons, "NO_NOISE_SHARE", 1.0)
    only.setattr(noise_lessons, "RECOLOURED_SHARE", 1.0)
    colours = np.full((SCENE_PX + 20, SCENE_PX + 40, 3), (20, 120, 220), np.uint8)
    coloured = replace(lessons(), textures=[[colours]])
    tiles = [coloured.lesson(step)[0] for step in range(4)]
    orders = {tuple(np.rint(255 * tile[:, 0, 0].numpy()).astype(int)) for each in tiles for tile in each}
    assert len(orders) >= 3
    assert all(sorted(order) == [20, 120, 220] for order in orders)
