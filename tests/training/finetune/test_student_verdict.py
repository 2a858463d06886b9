"""Whether a student is better than its base, judged on noisy photos alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from blur_network import Blur

from lgbpn_cli.machine.device import Device
from lgbpn_cli.training.finetune.risk import CELLS, ProbedPhoto, Risk, energies, probed, risk_of
from lgbpn_cli.training.finetune.student_verdict import (
    MOST_DENSE,
    SHARES_UNKNOWN,
    StudentJudge,
    StudentJudgement,
    StudentVerdict,
    error_left,
    known_answer_errors,
    noise_shares,
)
from lgbpn_cli.training.noise.measured import PATCH_PX, CameraNoise
from lgbpn_cli.training.student.pairs import Pairs

LEVEL = 10.0
NOISE, LEFT = 12.0, 0.25
"""Of each cell, and the share of it that the base leaves on sharp scenes."""


def risk(differs: Sequence[float], keeps: float) -> Risk:
    """The risk of a student at places of whose cells all are the same."""
    places = np.ones((len(differs), CELLS))
    return Risk(places * np.reshape(differs, (-1, 1)), keeps * places, NOISE * places)


def judged(*risks: Risk, known: float = LEFT * NOISE) -> StudentJudgement:
    return StudentJudgement(risks, tuple(np.full((2, CELLS), known) for _ in risks))


def verdict(new: StudentJudgement, base: StudentJudgement | None = None) -> StudentVerdict:
    return StudentVerdict(base or BASE, new, tuple(np.full((2, CELLS), NOISE) for _ in BASE.risks))


# It keeps a quarter of the noise, and makes an error of 2, where the noise is as measured: 11 + 3 - 12.
BASE = judged(risk((10.0, 12.0), 3.0), risk((11.0, 11.0), 3.0))


def test_who_surely_errs_less_on_photos_and_no_more_on_scenes_is_accepted() -> None:
    found = verdict(judged(risk((9.0, 11.1), 3.0), risk((10.0, 9.9), 3.0)))
    assert found.accepted
    # Of what the noise may be, the middle is taken: half way from the measured one to where the base's error would be
    # half of that on scenes.
    error = (2 + LEFT * NOISE / 2) / 2
    assert found.gain_db == pytest.approx(-10 * math.log10(1 - 1 / error), abs=0.01)
    assert found.words().startswith("accepted: on photos held out +3.68 dB if their noise is as measured")


@pytest.mark.parametrize(
    ("new", "why"),
    [
        (BASE, "not clearly better on the photos held out: +0.00 dB"),
        (judged(risk((9.0, 14.0), 3.0), risk((10.0, 10.0), 3.0)), "not clearly better"),  # by chance
        (judged(risk((11.0, 13.1), 3.0), risk((12.0, 11.9), 3.0)), "not clearly better"),
        # It keeps more of what there may be more of: 9 % more than measured is still enough.
        (judged(risk((9.0, 11.1), 3.95), risk((10.0, 9.9), 3.95)), "not clearly better"),
        # The other way around: all of its gain is in the noise that it keeps less of, and there may be less of that.
        (judged(risk((11.8, 13.9), 1.0), risk((12.8, 12.7), 1.0)), "not clearly better"),
        # Surely better, and by next to nothing.
        (
            judged(risk((9.99, 11.991), 3.0), risk((10.99, 10.989), 3.0)),
            "it gains too little on the photos held out: +0.02",
        ),
        (judged(risk((math.nan, 11.0), 3.0), risk((10.0, 10.0), 3.0)), "not clearly better"),
        (
            judged(risk((9.0, 11.1), 3.0), risk((10.0, 9.9), 3.0), known=3.2),
            "on sharp scenes with this noise: -0.2",
        ),
        (judged(risk((9.0, 11.1), 3.0), risk((10.0, 9.9), 3.0), known=math.nan), "worse on sharp scenes"),
    ],
)
def test_each_way_to_be_worse_is_refused_and_named(new: StudentJudgement, why: str) -> None:
    assert not verdict(new).accepted
    assert why in verdict(new).words()


def test_one_place_says_nothing_and_fewer_photos_are_compared_with_the_same() -> None:
    better = judged(risk((9.0, 11.1), 3.0))
    assert verdict(better).accepted
    assert not verdict(judged(risk((9.0,), 3.0)), judged(risk((10.0,), 3.0))).accepted
    assert verdict(better).beside(verdict(BASE)).accepted
    assert not verdict(BASE).beside(verdict(better)).accepted


def half_way(share: float) -> float:
    """From the measured noise to such a share of it."""
    return (1 + share) / 2


def test_how_strong_noise_may_be_shows_in_what_the_base_removes() -> None:
    left = error_left(BASE.known, verdict(BASE).scene_noise)
    np.testing.assert_allclose(left, LEFT)
    # It removes three quarters of the noise, and its answers differ from the photo by 11.
    weakest, strongest = noise_shares(BASE.risks[0], left)
    np.testing.assert_allclose(strongest, half_way(11 / NOISE / 0.75))
    np.testing.assert_allclose(weakest, half_way((11 / NOISE - LEFT) / 0.75))
    # JPEG left 1.5 times the noise where it is not flat: the base removes it, and it counts.
    found = noise_shares(risk((16.5, 16.5), 3.0), left)[1]
    np.testing.assert_allclose(found, half_way(1.5 * 11 / NOISE / 0.75))
    # Forty times can be no noise where it is densest, which cells of as much noise are whose bands are narrow.
    strongest = noise_shares(risk((440.0, 440.0), 3.0), left)[1]
    assert strongest.min() == strongest[0] == strongest[CELLS // 2] == half_way(MOST_DENSE)
    assert strongest[3] == pytest.approx(half_way(40 * 11 / NOISE / 0.75))
    # Where the base leaves the noise, nothing is told.
    for keeps in (NOISE, 2 * NOISE):
        weakest, strongest = noise_shares(risk((1.0, 1.0), keeps), left)
        assert (set(weakest), set(strongest)) == ({SHARES_UNKNOWN[0]}, {SHARES_UNKNOWN[1]})


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


def asked(noisy: list[np.ndarray], scenes: list[np.ndarray], level: float) -> list[ProbedPhoto]:
    random, noise = np.random.default_rng(1), noise_of(level)
    both = zip(noisy, scenes, strict=True)
    return [probed(photo, scene.astype(np.uint8), noise, random) for photo, scene in both]


@pytest.mark.parametrize("texture", [0.0, 20.0])
def test_the_risk_is_the_error_that_a_photo_of_a_little_more_noise_has(texture: float, cpu: Device) -> None:
    photos = asked(*photographed(texture), LEVEL)
    for side_px in (1, 3, 7):
        kept = (1 + 0.35**2) * LEVEL**2 / side_px**2
        lost = texture**2 * (1 - 1 / side_px**2)
        found = np.mean(
            [risk_of(Blur(side_px), each, cpu).of_noise(np.ones(CELLS)).mean() for each in photos]
        )
        assert found == pytest.approx(kept + lost, rel=0.05, abs=2)


def test_cells_are_bands_of_grey_and_of_colour() -> None:
    right = np.mgrid[:96, :96][1]
    for number, period_px in enumerate((24, 8, 4, 2)):
        wave = 10 * np.cos(2 * np.pi * right / period_px)[..., None]
        for cell, mix in ((number, (1, 1, 1)), (CELLS // 2 + number, (1, -1, 0))):
            found = energies(wave * np.array(mix))
            assert found[cell] == pytest.approx((wave**2).mean() * np.mean(np.square(mix)))
            assert found.sum() == pytest.approx(found[cell])


@pytest.mark.parametrize(("texture", "right"), [(0.0, 5), (40.0, 1)])
@pytest.mark.parametrize("measured", [1.0, 1.1])
def test_the_better_of_two_is_told_without_a_clean_picture(
    texture: float, right: int, measured: float, cpu: Device
) -> None:
    noisy, scenes = photographed(texture)
    photos = asked(noisy, scenes, measured * LEVEL)
    first, second = (
        torch.from_numpy(np.stack(each)[:, None, :32, :32] / 255).permute(0, 1, 4, 2, 3).float()
        for each in (noisy, scenes)
    )
    known = [Pairs(*pair, torch.zeros(1, dtype=torch.bool)) for pair in zip(first, second, strict=True)]
    better, worse = (Blur(side) for side in ((5, 1) if right == 5 else (1, 5)))
    assert StudentJudge(worse, photos, known, cpu).verdict(better).accepted
    assert not StudentJudge(better, photos, known, cpu).verdict(worse).accepted
    errors = [sum(known_answer_errors(each, pairs, cpu).sum() for pairs in known) for each in (better, worse)]
    assert errors[0] < errors[1]


def test_a_verdict_is_on_as_many_photos_as_there_is_time_for(cpu: Device) -> None:
    noisy, scenes = photographed(0.0)
    pairs = Pairs(torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32), torch.zeros(1, dtype=torch.bool))
    judge = StudentJudge(Blur(1), asked(noisy, scenes, LEVEL), [pairs] * 4, cpu)
    assert judge.reserve.seconds > 0
    assert len(judge.verdict(Blur(5)).new.risks) == 4
    late = judge.verdict(Blur(5), ends_at=0.0)
    assert len(late.new.risks) == 1
    assert late.accepted
