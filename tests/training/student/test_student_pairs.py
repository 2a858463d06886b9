"""Pairs for a student: the same for the same step, noisy photos as they are or scenes with other noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lgbpn_cli.errors import UsageError
from lgbpn_cli.training.config import DistillationConfig
from lgbpn_cli.training.student import pairs
from lgbpn_cli.training.student.pairs import CleanedPhotos, PairSampler

CONFIG = DistillationConfig(batch=6, crop_px=16)


def ramp(offset: int) -> np.ndarray:
    """Return a picture in which every pixel of the first two channels names its place, (60, 70, 3) uint8."""
    rows, columns = np.mgrid[:60, :70]
    return np.stack([rows * 3, columns * 3, np.full_like(rows, offset)], axis=2).astype(np.uint8)


def source(weight: float = 1.0, renoised_weight: float = 1.0, offset: int = 40) -> CleanedPhotos:
    return CleanedPhotos("ramps", (ramp(offset + 5),), (ramp(offset),), weight, renoised_weight)


def sampler(config: DistillationConfig, *sources: CleanedPhotos) -> PairSampler:
    return PairSampler(sources or [source()], config)


def crops_of(of: PairSampler, step: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    found = of.pairs(step)
    return found.noisy, found.target


def test_a_steps_pairs_depend_on_seed_and_step_alone() -> None:
    first, again = (crops_of(sampler(CONFIG), 7) for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))
    assert not torch.equal(first[0], crops_of(sampler(CONFIG), 8)[0])
    assert not torch.equal(first[0], crops_of(sampler(replace(CONFIG, seed=1)), 7)[0])


def test_a_step_has_the_same_pairs_whatever_steps_came_before() -> None:
    config = replace(
        CONFIG,
        renoised_share=0.2,
        transplanted_share=0.5,
        grain_share=0.2,
        other_scene_share=0.5,
        weakened_share=0.5,
        jpeg_share=0.5,
        batch=12,
    )
    # Two sources of one name: a folder may be named twice, with other exclusions.
    one, other = source(), source(offset=150)
    used = sampler(config, one, other)
    used.pairs(0)
    for again, fresh in zip(crops_of(used, 5), crops_of(sampler(config, one, other), 5), strict=True):
        assert torch.equal(again, fresh)


@pytest.mark.parametrize("renoised_share", [0.0, 1.0])
def test_pairs_are_float32_from_0_to_1(renoised_share: float) -> None:
    for crops in crops_of(sampler(replace(CONFIG, renoised_share=renoised_share))):
        assert crops.shape == (6, 3, 16, 16)
        assert crops.dtype == torch.float32
        assert 0 <= crops.min() <= crops.max() <= 1


def test_a_noisy_photo_and_its_target_are_cut_flipped_and_turned_alike() -> None:
    noisy, target = crops_of(sampler(replace(CONFIG, renoised_share=0.0)))
    assert torch.equal(noisy[:, :2], target[:, :2])
    torch.testing.assert_close(noisy[:, 2] - target[:, 2], torch.full((6, 16, 16), 5 / 255))
    assert len({tuple(crop[:2, 0, 0].tolist()) for crop in noisy}) == 6


@pytest.fixture
def plain_scenes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave scenes as they are."""
    monkeypatch.setattr(pairs, "varied", lambda scene, random: scene)


@pytest.mark.usefixtures("plain_scenes")
def test_new_noise_is_laid_on_the_target_which_stays_free_of_it() -> None:
    config = replace(CONFIG, renoised_share=1.0, shot=(1e-2, 1e-2), batch=20)
    noisy, target = crops_of(sampler(config))
    difference = noisy - target
    assert difference.std() > 5 / 255
    # The ramps rise by 0, 3 or (halved) 6 levels a pixel, along one axis at a time.
    assert torch.diff(target[:, 2], dim=-1).abs().max() < 0.5 / 255


@pytest.mark.usefixtures("plain_scenes")
def test_shares_decide_which_source_is_used() -> None:
    first, second = source(weight=1, renoised_weight=0), source(weight=0, renoised_weight=1, offset=200)
    _, real = crops_of(sampler(replace(CONFIG, renoised_share=0.0), first, second))
    assert torch.all(real[:, 2] == 40 / 255)
    _, renoised = crops_of(sampler(replace(CONFIG, renoised_share=1.0), first, second))
    assert renoised[:, 2].max() == pytest.approx(200 / 255, abs=1e-3)
    assert not torch.any(renoised[:, 2] == 40 / 255)


def test_transplanted_noise_lies_on_the_target_and_is_not_as_taken() -> None:
    random = np.random.default_rng(0)
    target = np.full((60, 70, 3), 100, np.uint8)
    noisy = np.rint(target + 8 * random.standard_normal(target.shape)).astype(np.uint8)
    photos = CleanedPhotos("grey", (noisy,), (target,), 1.0, 1.0)
    config = replace(CONFIG, renoised_share=0.0, transplanted_share=1.0, batch=20)
    found = PairSampler([photos], config).pairs(0)
    assert not found.as_taken.any()
    assert torch.all(found.target == 100 / 255)
    assert 255 * (found.noisy - found.target).std() == pytest.approx(8, rel=0.15)


def grey_pairs(**changes: float) -> torch.Tensor:
    """Return what lies on grey photos, in levels, with transplanted noise of 8 levels."""
    random = np.random.default_rng(0)
    target = np.full((60, 70, 3), 100, np.uint8)
    noisy = np.rint(target + 8 * random.standard_normal(target.shape)).astype(np.uint8)
    photos = CleanedPhotos("grey", (noisy,), (target,), 1.0, 1.0)
    config = replace(CONFIG, renoised_share=0.0, transplanted_share=1.0, batch=40, **changes)
    found = PairSampler([photos], config).pairs(0)
    return 255 * (found.noisy - found.target)


def test_targets_of_noisy_photos_are_as_dark_as_the_mean_of_their_noise_asks() -> None:
    random = np.random.default_rng(0)
    target = np.full((60, 70, 3), 100, np.uint8)
    noisy = np.rint(target + 8 * random.standard_normal(target.shape)).astype(np.uint8)
    photos = CleanedPhotos("grey", (noisy,), (target,), 1.0, 1.0, missing_mean=(0.05, 0.0, -0.05))
    found = PairSampler([photos], replace(CONFIG, renoised_share=0.0)).pairs(0)
    assert found.as_taken.all()
    shift = 255 * found.target.mean(dim=(0, 2, 3)) - 100
    np.testing.assert_allclose(shift, (-0.05 * 64, 0, 0.05 * 64), atol=0.5)
    laid = PairSampler([photos], replace(CONFIG, renoised_share=0.0, transplanted_share=1.0)).pairs(0)
    assert torch.all(laid.target == 100 / 255)
    mean = 255 * (laid.noisy - laid.target).mean(dim=(0, 2, 3))
    np.testing.assert_allclose(mean, (0.05 * 64, 0, -0.05 * 64), atol=1.0)


def test_noise_may_be_laid_on_other_scenes() -> None:
    random = np.random.default_rng(0)
    grey = np.full((60, 70, 3), 100, np.uint8)
    noisy = np.rint(grey + 8 * random.standard_normal(grey.shape)).astype(np.uint8)
    photos = CleanedPhotos("grey", (noisy,), (grey,), 1.0, 0.0)
    scenes = CleanedPhotos("drawn", (grey // 2,), (grey // 2,), 0.0, 1.0)
    config = replace(CONFIG, renoised_share=0.0, transplanted_share=1.0, other_scene_share=0.5, batch=60)
    found = PairSampler([photos, scenes], config).pairs(0)
    assert not found.as_taken.any()
    own = (found.target == 100 / 255).all(dim=(1, 2, 3))
    assert own.float().mean() == pytest.approx(0.5, abs=0.2)
    assert found.target[~own].max() < 98 / 255  # other contrast brightens some
    for one in (own, ~own):
        bright = found.target[one].mean(dim=(1, 2, 3)) > 20 / 255  # darker scenes lose noise at black
        assert 255 * (found.noisy - found.target)[one][bright].std() == pytest.approx(8, rel=0.15)


def test_noise_that_is_made_smaller_with_its_scene_is_half_as_strong_where_it_was_white() -> None:
    strengths = grey_pairs(reduced_share=0.5, crop_px=24).std(dim=(1, 2, 3))
    small = strengths < 6
    assert small.float().mean() == pytest.approx(0.5, abs=0.25)
    assert strengths[small].mean() == pytest.approx(4, rel=0.15)
    assert strengths[~small].mean() == pytest.approx(8, rel=0.15)
    # Photos that are no larger than two crops stay as they are.
    assert grey_pairs(reduced_share=1.0, crop_px=32).std(dim=(1, 2, 3)).min() > 6


def test_grain_lies_on_varied_scenes_is_fine_and_may_become_a_jpeg() -> None:
    grey = np.full((60, 70, 3), 100, np.uint8)
    photos, scenes = (
        CleanedPhotos("photos", (grey,), (grey,), 1.0, 0.0),
        CleanedPhotos("drawn", (grey,), (grey,), 0.0, 1.0),
    )
    config = replace(CONFIG, renoised_share=0.0, grain_share=0.6, batch=60)
    found = PairSampler([photos, scenes], config).pairs(0)
    assert found.as_taken.float().mean() == pytest.approx(0.4, abs=0.2)
    noise = 255 * (found.noisy - found.target)
    assert torch.all(noise[found.as_taken] == 0)
    strengths = noise[~found.as_taken].std(dim=(1, 2, 3))
    assert (strengths > 10).any()
    assert (strengths < 3).any()
    strong = noise[~found.as_taken][strengths > 3]
    beside = (strong[..., 1:] * strong[..., :-1]).mean(dim=(1, 2, 3)) / (strong**2).mean(dim=(1, 2, 3))
    assert beside.max() < 0.3
    jpegs = PairSampler([photos, scenes], replace(config, jpeg_share=1.0)).pairs(0)
    assert not torch.equal(jpegs.noisy[~found.as_taken], found.noisy[~found.as_taken])


def test_some_pairs_of_every_kind_lose_their_colours() -> None:
    config = replace(CONFIG, renoised_share=0.3, transplanted_share=0.3, grain_share=0.1, batch=80)
    in_colour = sampler(config).pairs(0)
    found = sampler(replace(config, grey_share=0.4)).pairs(0)
    grey = (found.target == found.target[:, :1]).all(dim=(1, 2, 3))
    assert grey.float().mean() == pytest.approx(0.4, abs=0.2)
    assert grey[found.as_taken].any()
    assert grey[~found.as_taken].any()
    noisy = found.noisy[grey]
    assert torch.equal(noisy, noisy[:, :1].expand_as(noisy))
    torch.testing.assert_close(255 * noisy, (255 * noisy).round(), atol=1e-3, rtol=0)
    # Through different filters: the same scene comes out darker through one than through another.
    tinted = np.array(np.broadcast_to(np.uint8([0, 100, 200]), (60, 70, 3)))
    photo = CleanedPhotos("photos", (tinted,), (tinted,), 1.0, 1.0)
    shades = crops_of(sampler(replace(CONFIG, renoised_share=0.0, grey_share=1.0, batch=30), photo))[1]
    assert shades.amin() < 60 / 255
    assert shades.amax() > 140 / 255
    assert torch.equal(sampler(replace(config, grey_share=0.0)).pairs(0).noisy, in_colour.noisy)


def test_weakened_noise_is_of_all_strengths_down_to_a_tenth() -> None:
    strengths = grey_pairs(weakened_share=1.0).std(dim=(1, 2, 3)) / 8
    assert strengths.max() < 1.15
    assert strengths.min() < 0.2
    assert (strengths < 0.32).float().mean() == pytest.approx(0.5, abs=0.2)
    plain = grey_pairs().std(dim=(1, 2, 3)) / 8
    assert plain.min() > 0.8


def test_a_jpeg_loses_what_it_does_not_hold() -> None:
    whole, jpeg = grey_pairs(), grey_pairs(jpeg_share=1.0)
    kept = (jpeg.std() / whole.std()) ** 2
    assert 0.3 < kept < 0.95
    assert jpeg.mean().abs() < 1


def test_shares_of_the_kinds_of_pairs() -> None:
    config = replace(CONFIG, renoised_share=0.2, transplanted_share=0.4, grain_share=0.1, batch=200)
    as_taken = sampler(config).pairs(0).as_taken
    assert as_taken.float().mean() == pytest.approx(0.3, abs=0.1)


def test_shares_of_more_than_all_are_refused() -> None:
    with pytest.raises(UsageError, match="more than 1"):
        replace(CONFIG, renoised_share=0.5, transplanted_share=0.4, grain_share=0.2)
