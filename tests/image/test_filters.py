"""Means over squares, weights and bands, against slow twins."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d, uniform_filter

from lgbpn_cli.image.bands import bands
from lgbpn_cli.image.filters import Edges, between_cells, box_mean, cell_means, gaussian_weights, mean_of_few

MODES = {"edge": "nearest", "symmetric": "reflect"}
"""What SciPy calls the edges."""


@pytest.mark.parametrize("edges", get_args(Edges))
@pytest.mark.parametrize("shape", [(40, 31), (40, 31, 3)])
@pytest.mark.parametrize("side", [1, 3, 25])
def test_box_means_are_those_of_scipy(side: int, shape: tuple[int, ...], edges: Edges) -> None:
    values = np.random.default_rng(0).random(shape)
    size = (side, side) + (1,) * (len(shape) - 2)
    expected = uniform_filter(values, size, mode=MODES[edges])
    assert box_mean(values, side, edges=edges) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("side", [3, 5])
@pytest.mark.parametrize("shape", [(40, 31), (7, 31, 2), (1, 2)])
def test_means_of_few_are_those_of_box_mean_in_single_precision(shape: tuple[int, ...], side: int) -> None:
    values = np.random.default_rng(0).random(shape, np.float32)
    means = mean_of_few(values, side)
    assert means.dtype == np.float32
    assert means == pytest.approx(box_mean(values, side), abs=1e-6)


def test_gaussian_weights_are_those_of_scipy() -> None:
    impulse = np.zeros(41)
    impulse[20] = 1
    assert gaussian_weights(2.5, 10) == pytest.approx(
        gaussian_filter1d(impulse, 2.5, radius=10)[10:31], abs=1e-12
    )
    assert gaussian_weights(0.7, 2).sum() == pytest.approx(1)


@pytest.mark.parametrize(("height", "rows"), [(10, 4), (8, 4), (3, 4), (0, 4)])
def test_bands_cover_every_row_once(height: int, rows: int) -> None:
    found = bands(height, rows)
    assert [row for band in found for row in range(band.start, band.stop)] == list(range(height))
    assert all(band.stop - band.start <= rows for band in found)


@pytest.mark.parametrize("size", [(13, 22), (4, 22), (13, 3), (1, 1), (10, 15)])
def test_means_over_cells_are_those_of_their_pixels(size: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).random((*size, 3), dtype=np.float32)
    means = cell_means(picture, 5)
    assert means.shape == (-(-size[0] // 5), -(-size[1] // 5), 3)
    for row in range(means.shape[0]):
        for column in range(means.shape[1]):
            cell = picture[5 * row : 5 * row + 5, 5 * column : 5 * column + 5]
            assert means[row, column] == pytest.approx(cell.mean(axis=(0, 1)), abs=1e-6)


def test_between_the_middles_of_cells_values_change_evenly() -> None:
    cells = np.array([[0.0, 5.0, 5.0]], np.float32)
    found = between_cells(cells, 1, np.arange(15), 5)[0]
    assert found == pytest.approx([0, 0, 0, 1, 2, 3, 4, 5, 5, 5, 5, 5, 5, 5, 5])
