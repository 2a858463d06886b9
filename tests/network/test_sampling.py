"""Pixel-shuffle down-sampling, padding and the folded kernel shift."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reference.networks import PASSES, TINY, random_image
from reference.slow_lgbpn import sub_images

from lgbpn_cli.config import PRESETS
from lgbpn_cli.network.sampling import (
    fold_kernel_shift,
    join_phases,
    pad_reflect,
    pad_symmetric_to,
    pad_to_multiple,
    shifted_reach_px,
    smallest_side_px,
    split_phases,
)

laws = settings(
    deadline=None, derandomize=True, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
SIDE = st.integers(1, 6)


@laws
@given(batch=st.integers(1, 3), channels=SIDE, height=SIDE, width=SIDE, stride=st.integers(1, 5))
def test_joining_inverts_splitting(batch: int, channels: int, height: int, width: int, stride: int) -> None:
    image = random_image(batch, channels, height * stride, width * stride)
    assert torch.equal(join_phases(split_phases(image, stride), stride), image)


@laws
@given(batch=st.integers(1, 3), height=SIDE, width=SIDE, stride=st.integers(1, 5))
def test_splitting_inverts_joining(batch: int, height: int, width: int, stride: int) -> None:
    phases = random_image(batch * stride**2, 2, height, width)
    assert torch.equal(split_phases(join_phases(phases, stride), stride), phases)


@pytest.mark.parametrize("stride", [1, 2, 3, 4, 5])
def test_phases_are_the_sub_images_with_those_of_one_image_together(stride: int) -> None:
    image = random_image(2, 3, 4 * stride, 3 * stride)
    expected = torch.cat([each for entry in image for each in sub_images(entry[None], stride)])
    assert torch.equal(split_phases(image, stride), expected)


@laws
@given(height=st.integers(8, 20), width=st.integers(8, 20), multiple=st.integers(1, 8))
def test_padding_to_a_multiple_reflects_at_bottom_and_right(height: int, width: int, multiple: int) -> None:
    image = random_image(1, 2, height, width)
    padded = pad_to_multiple(image, multiple)
    added = [(0, 0), (0, 0), (0, -height % multiple), (0, -width % multiple)]
    assert all(side % multiple == 0 for side in padded.shape[-2:])
    assert np.array_equal(padded.numpy(), np.pad(image.numpy(), added, mode="reflect"))


@laws
@given(height=st.integers(1, 20), width=st.integers(1, 20), side=st.integers(1, 40))
def test_small_images_are_extended_by_mirroring_with_their_edge(height: int, width: int, side: int) -> None:
    image = random_image(1, 2, height, width)
    added = [(0, 0), (0, 0), (0, max(0, side - height)), (0, max(0, side - width))]
    expected = np.pad(image.numpy(), added, mode="symmetric")
    assert np.array_equal(pad_symmetric_to(image, side, side).numpy(), expected)


def test_reflection_does_not_repeat_the_edge() -> None:
    row = torch.arange(4.0)[None, None, None]
    padded = pad_reflect(row.expand(1, 1, 4, 4), 0, 0, 2, 1)
    assert padded[0, 0, 0].tolist() == [2, 1, 0, 1, 2, 3, 2]


@pytest.mark.parametrize("name", PASSES)
def test_every_reflection_is_defined_at_the_smallest_side(name: str) -> None:
    sampling = PASSES[name]
    side = smallest_side_px(TINY, sampling)
    assert side > TINY.global_kernel_px // 2
    assert -(-side // sampling.local_pd) > sampling.local_rim_px
    assert -(-side // sampling.global_pd) > sampling.global_rim_px


def test_the_smallest_side_is_32_px_for_the_published_passes_with_pd_4() -> None:
    assert smallest_side_px(TINY, PRESETS["sidd"].first) == 32
    assert smallest_side_px(TINY, PRESETS["dnd"].refine) == 16


KERNEL_SIDES = [
    (9, 1, 0.72, 7),
    (11, 2, 0.80, 17),
    (9, 1, 0.46, 5),
    (11, 2, 0.43, 11),
    (9, 1, 0.50, 5),
    (11, 2, 0.65, 15),
    (9, 1, 0.40, 5),
    (11, 2, 0.35, 9),
]


@pytest.mark.parametrize(("taps", "spacing_px", "ratio", "side"), KERNEL_SIDES)
def test_a_folded_kernel_is_no_larger_than_it_must_be(
    taps: int, spacing_px: int, ratio: float, side: int
) -> None:
    weight = random_image(2, 3, taps, taps)
    assert fold_kernel_shift(weight, spacing_px, ratio).shape == (2, 3, side, side)
    assert 2 * shifted_reach_px(taps, spacing_px, ratio) + 1 == side


def test_folding_without_a_shift_changes_nothing() -> None:
    weight = random_image(2, 3, 9, 9)
    assert torch.equal(fold_kernel_shift(weight, 1, 1.0), weight)


def test_folding_without_a_shift_spreads_spaced_taps_over_their_offsets() -> None:
    weight = random_image(2, 3, 11, 11)
    folded = fold_kernel_shift(weight, 2, 1.0)
    assert torch.equal(folded[..., ::2, ::2], weight)
    assert folded.sum().item() == pytest.approx(weight.sum().item())


@pytest.mark.parametrize("ratio", [0.3, 0.43, 0.72, 1.0])
def test_folding_keeps_the_sum_of_the_taps(ratio: float) -> None:
    weight = random_image(1, 1, 11, 11)
    assert fold_kernel_shift(weight, 2, ratio).sum().item() == pytest.approx(weight.sum().item(), rel=1e-12)


def test_a_kernel_folded_in_inference_can_be_trained_afterwards() -> None:
    weight = random_image(1, 1, 9, 9).requires_grad_()
    with torch.inference_mode():
        fold_kernel_shift(weight, 1, 0.617)
    fold_kernel_shift(weight, 1, 0.617).sum().backward()
    assert weight.grad is not None
