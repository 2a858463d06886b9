"""Pairs with any noise or none: their targets, sizes and colours, and that other processes make the same ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lgbpn_cli.errors import UsageError
from lgbpn_cli.training.config import DataSource, DistillationConfig
from lgbpn_cli.training.student.lessons_ahead import LessonsAhead
from lgbpn_cli.training.student.pairs import CleanedPhotos, Pairs, PairSampler, resized

NOTHING = DistillationConfig(batch=8, crop_px=32, renoised_share=0.0, steps=9)


def scenes() -> CleanedPhotos:
    random = np.random.default_rng(0)
    photos = tuple(random.integers(60, 200, (80, 90, 3), dtype=np.uint8) for _ in range(2))
    return CleanedPhotos("scenes", photos, photos, weight=1.0, renoised_weight=1.0)


def pairs(step: int = 0, **shares: float) -> Pairs:
    return PairSampler([scenes()], replace(NOTHING, **shares)).pairs(step)


def test_what_has_no_noise_is_its_own_target() -> None:
    found = pairs(unchanged_share=1.0)
    torch.testing.assert_close(found.noisy, found.target, atol=0.5 / 255 + 1e-6, rtol=0)
    assert not found.as_taken.any()


def test_what_has_no_noise_is_to_stay_as_its_jpeg_keeps_it() -> None:
    found = pairs(unchanged_share=1.0, jpeg_share=1.0)
    assert torch.equal(found.noisy, found.target)


def test_made_noise_lies_on_the_target() -> None:
    found = pairs(made_share=1.0)
    left = (found.noisy - found.target).std(dim=(1, 2, 3)) * 255
    assert left.max() > 3
    assert left.min() < left.max() / 3


def test_scenes_are_made_smaller_and_larger_with_their_noise() -> None:
    found = pairs(made_share=1.0, resized_share=1.0)
    assert found.noisy.shape == found.target.shape == (8, 3, 32, 32)
    # Photos of independent pixels lose contrast where they are made larger or smaller, and drawn ones have none.
    assert not torch.equal(found.target, pairs(made_share=1.0).target)


def test_resizing_keeps_pictures_in_step() -> None:
    picture = np.random.default_rng(1).uniform(0.2, 0.8, (40, 40, 3)).astype(np.float32)
    first, second = resized((picture, picture), 64)
    assert first.shape == (64, 64, 3)
    np.testing.assert_allclose(first.clip(0, 1), second, atol=1e-6)
    assert first.mean() == pytest.approx(picture.mean(), abs=0.01)


def test_soft_scenes_are_soft_before_they_have_noise() -> None:
    sharp, soft = (pairs(made_share=1.0, soft_share=share) for share in (0.0, 1.0))

    def finest(pictures: torch.Tensor) -> float:
        return float((pictures[..., 1:] - pictures[..., :-1]).std())

    assert finest(soft.target) < 0.7 * finest(sharp.target)
    assert finest(soft.noisy - soft.target) > 0.5 * finest(sharp.noisy - sharp.target)


def test_recoloured_pairs_stay_pairs() -> None:
    plain, recoloured = pairs(unchanged_share=1.0), pairs(unchanged_share=1.0, recoloured_share=1.0)
    difference = (recoloured.noisy - recoloured.target).abs().max()
    assert difference < 2 / 255
    assert not torch.equal(plain.noisy, recoloured.noisy)


def test_drawn_scenes_need_no_photo() -> None:
    found = pairs(unchanged_share=1.0, drawn_scene_share=1.0)
    # Photos of this set are noise of 60 to 199 levels everywhere.
    assert found.target.min() < 60 / 255


@pytest.mark.parametrize("workers", [0, 1])
def test_other_processes_make_the_same_pairs_in_order(workers: int) -> None:
    config = replace(NOTHING, made_share=0.5, workers=workers)
    sampler = PairSampler([scenes()], config)
    ahead = LessonsAhead(sampler, config)
    for step in (0, 1, 2, 6, 7, 3):  # a run that goes on begins anywhere
        assert torch.equal(ahead.pairs(step).noisy, sampler.pairs(step).noisy)


def test_scenes_of_little_noise_teach_with_new_noise_alone() -> None:
    with pytest.raises(UsageError, match="renoised_weight"):
        DataSource("photos", weight=1.0, scenes=True)
    DataSource("photos", weight=0.0, renoised_weight=1.0, scenes=True)


def test_shares_of_all_kinds_make_one_at_most() -> None:
    with pytest.raises(UsageError, match="made_share"):
        replace(NOTHING, made_share=0.7, unchanged_share=0.4)
