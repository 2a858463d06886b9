"""Whether a student is better than its base, judged on noisy photos alone."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from blur_network import Blur

from lgbpn_cli.machine.device import Device
from lgbpn_cli.training.finetune.risk import Risk, probed, risk_of
from lgbpn_cli.training.finetune.student_verdict import (
    StudentJudge,
    StudentJudgement,
    StudentVerdict,
    known_answer_errors,
)
from lgbpn_cli.training.noise.measured import PATCH_PX, CameraNoise
from lgbpn_cli.training.student.pairs import Pairs

LEVEL = 10.0
RISK = Risk((4.0, 6.0, 3.0, 7.0), (5.0, 5.0, 5.0, 5.0), (0, 0, 1, 1))
BASE = StudentJudgement(RISK, (20.0, 30.0))


def verdict(new: StudentJudgement) -> StudentVerdict:
    return StudentVerdict(BASE, new, (100.0, 100.0))


def with_risk(**parts: Any) -> StudentJudgement:
    return replace(BASE, risk=replace(RISK, **parts))


BETTER = with_risk(differs=(3.0, 5.1, 2.0, 5.9))


def test_who_surely_errs_less_on_photos_and_no_more_on_scenes_is_accepted() -> None:
    found = verdict(BETTER)
    assert found.accepted
    assert found.gain_db == pytest.approx(-10 * math.log10(1 - 1 / 10), abs=0.01)
    assert found.words().startswith("accepted: on photos held out +0.46 dB as estimated")


@pytest.mark.parametrize(
    ("new", "why"),
    [
        (BASE, "not surely better on the photos held out: +0.00 dB"),
        (with_risk(differs=(2.0, 8.0, 1.0, 8.9)), "not surely better"),  # by chance
        (with_risk(differs=(5.0, 7.1, 4.0, 8.1)), "not surely better"),
        # All of its gain is in the noise that it keeps less of, and there may be less of that.
        (with_risk(differs=(7.0, 9.1, 6.0, 10.1), keeps=(1.0, 1.1, 1.0, 1.1)), "not surely better"),
        # The other way around: it keeps more of what there may be more of.
        (with_risk(differs=(0.0, 2.1, -1.0, 3.0), keeps=(7.0, 7.1, 7.0, 7.1)), "not surely better"),
        (with_risk(differs=(math.nan,) * 4), "not surely better"),
        (replace(BETTER, known=(21.0, 31.5)), "worse on sharp scenes with this noise: -0.21 dB"),
        (replace(BETTER, known=(math.nan, 31.0)), "worse on sharp scenes"),
    ],
)
def test_each_way_to_be_worse_is_refused_and_named(new: StudentJudgement, why: str) -> None:
    assert not verdict(new).accepted
    assert why in verdict(new).words()


def test_what_may_be_chance_on_scenes_is_no_reason() -> None:
    assert verdict(replace(BETTER, known=(25.0, 25.0))).accepted


def test_one_place_says_nothing() -> None:
    one = Risk((4.0,), (5.0,), (0,))
    better = StudentJudgement(replace(one, differs=(1.0,)), BASE.known)
    assert not StudentVerdict(StudentJudgement(one, BASE.known), better, (100.0,)).accepted


def noise_of(level: float) -> CameraNoise:
    """White noise, the same at every brightness."""
    covariance = np.zeros((PATCH_PX, PATCH_PX, 3, 3))
    covariance[0, 0] = np.eye(3)
    return CameraNoise(((0.0, 255.0),) * 3, ((level, level),) * 3, covariance, "sidd", 1)


def photographed(texture: float) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return four photos of a slope, which may have a texture of single pixels, and what they show."""
    random = np.random.default_rng(0)
    slope = np.linspace(60, 180, 96)[:, None, None] * np.ones((1, 96, 3))
    scenes = [slope + texture * random.choice([-1.0, 1.0], (96, 96, 1)) for _ in range(4)]
    noisy = [np.rint(scene + random.normal(0, LEVEL, scene.shape)).astype(np.uint8) for scene in scenes]
    return noisy, scenes


@pytest.mark.parametrize("texture", [0.0, 20.0])
def test_the_risk_is_the_error_that_a_photo_of_a_little_more_noise_has(texture: float, cpu: Device) -> None:
    noisy, scenes = photographed(texture)
    photos = probed(noisy, [each.astype(np.uint8) for each in scenes], noise_of(LEVEL))
    for side_px in (1, 3, 7):
        kept = (1 + 0.35**2) * LEVEL**2 / side_px**2
        lost = texture**2 * (1 - 1 / side_px**2)
        found = risk_of(Blur(side_px), photos, cpu).of_photos().mean()
        assert found == pytest.approx(kept + lost, rel=0.05, abs=2)


@pytest.mark.parametrize(("texture", "right"), [(0.0, 5), (40.0, 1)])
@pytest.mark.parametrize("measured", [1.0, 1.1])
def test_the_better_of_two_is_told_without_a_clean_picture(
    texture: float, right: int, measured: float, cpu: Device
) -> None:
    noisy, scenes = photographed(texture)
    photos = probed(noisy, [each.astype(np.uint8) for each in scenes], noise_of(measured * LEVEL))
    first, second = (
        torch.from_numpy(np.stack(each)[:, :32, :32] / 255).permute(0, 3, 1, 2).float()
        for each in (noisy, scenes)
    )
    known = Pairs(first, second, torch.zeros(4, dtype=torch.bool))
    better, worse = (Blur(side) for side in ((5, 1) if right == 5 else (1, 5)))
    assert StudentJudge(worse, photos, known, cpu).verdict(better).accepted
    assert not StudentJudge(better, photos, known, cpu).verdict(worse).accepted
    errors: Any = known_answer_errors(better, known, cpu)
    assert np.all(np.less(errors, known_answer_errors(worse, known, cpu)))
