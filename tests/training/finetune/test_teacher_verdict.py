"""Whether a network is better than its base, judged without references."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from blur_network import Blur
from torch import nn

from lgbpn_cli.machine.device import Device
from lgbpn_cli.training.finetune.teacher_verdict import Comparison, Judgement, TeacherVerdict

BASE = Judgement(losses_8bit=(10.0, 12.0, 8.0, 10.0), flat_variance=100, structure=0.1)


def better(base: Judgement = BASE, **changes: Any) -> TeacherVerdict:
    """Every place is better by about a hundredth of the spread between places, alike but for a tenth of that."""
    losses = tuple(
        loss - 0.02 + offset for loss, offset in zip(base.losses_8bit, (0.002, 0, 0, -0.002), strict=True)
    )
    return TeacherVerdict(base, replace(base, losses_8bit=losses, **changes), noise_variance=100)


def test_a_lower_loss_at_all_places_with_as_much_noise_removed_is_accepted() -> None:
    assert better().accepted
    assert better().standard_errors == pytest.approx(0.02 / (0.002 * (2 / 3) ** 0.5 / 2))
    assert "10.000 -> 9.980 (by 24.5 standard errors" in better().words()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"flat_variance": 94}, "copy noise: 6% less"),
        ({"structure": 0.13}, "more of the picture"),
        ({"losses_8bit": BASE.losses_8bit}, "no better"),
        ({"losses_8bit": (9.9, 12.0, 8.0, 9.9)}, "loss 9.950 instead of 10.000 (by 1.7 standard errors"),
        ({"losses_8bit": (10.1, 12.1, 8.1, 10.1)}, "no better"),
        ({"losses_8bit": (math.nan,) * 4}, "no better"),
        ({"flat_variance": math.nan}, "copy noise"),
        ({"structure": math.nan}, "more of the picture"),
    ],
)
def test_each_way_to_be_worse_is_refused_and_named(changes: dict[str, Any], why: str) -> None:
    found = TeacherVerdict(BASE, replace(better().new, **changes), noise_variance=100)
    assert not found.accepted
    assert why in found.words()


def test_one_place_says_nothing() -> None:
    assert not TeacherVerdict(
        replace(BASE, losses_8bit=(10.0,)), replace(BASE, losses_8bit=(5.0,)), 100
    ).accepted


def test_a_network_that_removes_none_of_the_picture_may_remove_less_of_its_opposite() -> None:
    sharpened = replace(BASE, structure=-0.1)
    assert better(sharpened, structure=0.019).accepted
    assert not better(sharpened, structure=0.03).accepted


@pytest.mark.parametrize(("noise_variance", "accepted"), [(90, True), (96, True), (100, False), (130, False)])
def test_a_base_that_removes_more_than_the_noise_may_be_undercut(
    noise_variance: float, accepted: bool
) -> None:
    assert replace(better(flat_variance=92), noise_variance=noise_variance).accepted == accepted


def test_where_nothing_can_be_measured_half_of_what_the_base_removed_is_asked_for() -> None:
    assert replace(better(flat_variance=48), noise_variance=0).accepted
    assert not replace(better(flat_variance=47), noise_variance=0).accepted


def noisy_and_clean(texture: float = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return white noise of 10 levels over a slope, and the slope, which may have a texture of single pixels."""
    random = np.random.default_rng(0)
    slope = np.linspace(60, 180, 64)[:, None, None] + texture * random.choice([-1.0, 1.0], (12, 64, 64, 1))
    clean = np.repeat(slope, 3, axis=-1)
    return clean + random.normal(0, 10, clean.shape), clean


def between(base: Blur, new: Blur, device: Device, *, texture: float) -> TeacherVerdict:
    noisy, clean = noisy_and_clean(texture)
    pairs = torch.from_numpy(np.stack([noisy, clean]) / 255).permute(0, 1, 4, 2, 3).float()

    def losses(network: nn.Module) -> tuple[float, ...]:
        differences = network(pairs[0]) - pairs[1]
        return tuple((255 * differences.square().mean(dim=(1, 2, 3)).sqrt()).tolist())

    return Comparison(
        base,
        [each.clip(0, 255).astype(np.uint8) for each in noisy],
        device,
        losses=losses,
        clean=lambda network, noisy: network(noisy),
    ).verdict(new)


@pytest.mark.parametrize(
    ("base_px", "new_px", "texture", "why"),
    [(5, 3, 0, "no better"), (5, 1, 0, "copy noise: 100% less"), (1, 5, 30, "no better")],
)
def test_who_leaves_more_noise_or_smooths_texture_away_is_refused(
    base_px: int, new_px: int, texture: float, why: str, cpu: Device
) -> None:
    assert why in between(Blur(base_px), Blur(new_px), cpu, texture=texture).words()


def test_the_noise_in_flat_areas_is_measured(cpu: Device) -> None:
    assert between(Blur(5), Blur(7), cpu, texture=0).noise_variance == pytest.approx(100, rel=0.1)
