"""The masks of the random replacing refinement."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lgbpn_cli.inference.refine import replacement_mask

SIDE = 512
SHARE = 0.16


def mask_of(
    window: tuple[slice, slice], *, seed: int = 0, copy: int = 0, probability: float = SHARE
) -> np.ndarray:
    """Return the mask of a window, (3, h, w) bool."""
    mask = replacement_mask(window, seed=seed, copy=copy, probability=probability, device=torch.device("cpu"))
    return mask[0].numpy()


def whole(**options: float) -> np.ndarray:
    return mask_of((slice(0, SIDE), slice(0, SIDE)), **options)  # type: ignore[arg-type]


def standardised(mask: np.ndarray) -> np.ndarray:
    """Return the mask with mean 0 and variance 1 if it is as random as it should be."""
    return (mask - SHARE) / np.sqrt(SHARE * (1 - SHARE))


GOLDEN = {
    (0, 0, 0.5, 0, 0): [
        ["00100101", "01100100", "11111110", "01101011"],
        ["01010000", "01111100", "00000110", "11100010"],
        ["00110000", "00001100", "11010111", "00111000"],
    ],
    (7, 3, 0.16, 1000, 5000): [
        ["01001010", "00011000", "01100000", "00000000"],
        ["00001111", "00000001", "00110000", "00110111"],
        ["10000000", "01000000", "11000100", "10001101"],
    ],
}
"""The masks of eight columns and four rows, by seed, copy, probability, first row and first column."""


@pytest.mark.parametrize("key", GOLDEN, ids=str)
def test_masks_stay_the_same_across_versions_and_machines(key: tuple[int, int, float, int, int]) -> None:
    seed, copy, probability, top, left = key
    window = slice(top, top + 4), slice(left, left + 8)
    mask = mask_of(window, seed=seed, copy=copy, probability=probability)
    rows = [["".join(str(int(each)) for each in row) for row in channel] for channel in mask]
    assert rows == GOLDEN[key]


@pytest.mark.parametrize(
    "window",
    [(slice(0, 9), slice(0, 7)), (slice(100, 164), slice(37, 400)), (slice(511, 512), slice(3, 4))],
    ids=str,
)
def test_a_windows_mask_is_the_photos_mask_there(window: tuple[slice, slice]) -> None:
    assert np.array_equal(mask_of(window), whole()[:, window[0], window[1]])


def test_the_same_seed_gives_the_same_mask() -> None:
    assert np.array_equal(whole(seed=5, copy=2), whole(seed=5, copy=2))


@pytest.mark.parametrize(
    "other", [{"seed": 1}, {"copy": 1}, {"seed": 2**31}, {"seed": 2**32}, {"seed": 2**64}], ids=str
)
def test_masks_of_other_seeds_and_copies_are_independent(other: dict[str, int]) -> None:
    one, two = standardised(whole()), standardised(whole(**other))
    assert abs((one * two).mean()) * np.sqrt(one.size) < 4


def test_seed_and_copy_are_not_interchangeable() -> None:
    assert not np.array_equal(whole(seed=1, copy=0), whole(seed=0, copy=1))


@pytest.mark.parametrize(("one", "two"), [(0, 1), (0, 2), (1, 2)])
def test_channels_are_replaced_independently(one: int, two: int) -> None:
    mask = standardised(whole())
    assert abs((mask[one] * mask[two]).mean()) * SIDE < 4


@pytest.mark.parametrize("probability", [0.05, 0.16, 0.5, 0.9])
def test_the_share_of_replaced_elements_is_the_probability(probability: float) -> None:
    mask = whole(probability=probability)
    deviation = np.sqrt(probability * (1 - probability) / mask.size)
    assert abs(mask.mean() - probability) < 4 * deviation


def test_the_ends_of_the_range_replace_nothing_and_everything() -> None:
    assert not whole(probability=0.0).any()
    assert whole(probability=1.0).all()


@pytest.mark.parametrize("axis", [1, 2])
def test_no_row_or_column_stands_out(axis: int) -> None:
    means = standardised(whole()).mean(axis) * np.sqrt(SIDE)
    assert np.abs(means).max() < 5
    assert 0.8 < means.std() < 1.2


@pytest.mark.parametrize("lag", [(0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (1, -1)], ids=str)
def test_neighbours_are_independent(lag: tuple[int, int]) -> None:
    mask = standardised(whole())
    product = (mask * np.roll(mask, lag, axis=(1, 2))).mean() * np.sqrt(mask.size)
    assert abs(product) < 4


def test_no_frequency_stands_out() -> None:
    mask = standardised(whole())
    power = np.abs(np.fft.fft2(mask - mask.mean((1, 2), keepdims=True))) ** 2 / SIDE**2
    # The largest of n exponentially distributed values is about ln(n), here 13.6.
    assert power.max() < 20
