"""Dead rows and columns of a sensor are filled in and named; clipped, black and drawn lines are let be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from raw_samples import light_of, mosaic_of, scene, write_raw

from lgbpn_cli.photos.raw.dead_lines import dead_lines
from lgbpn_cli.photos.read import read_photo


def noisy(height: int = 96, width: int = 120) -> np.ndarray:
    samples = mosaic_of(scene(height, width)) + np.random.default_rng(0).normal(0, 60, (height, width))
    return samples.clip(0, 16383).astype(np.uint16)


@pytest.mark.parametrize("as_mosaic", [True, False])
def test_dead_lines_are_filled_in_and_named(tmp_path: Path, as_mosaic: bool) -> None:
    samples = noisy()
    whole = read_photo(write_raw(tmp_path / "whole.dng", samples), as_mosaic=as_mosaic)
    spoiled = samples.copy()
    spoiled[40:44], spoiled[70], spoiled[:, 60], spoiled[0] = 0, 16383, 0, 512
    photo = read_photo(write_raw(tmp_path / "spoiled.dng", spoiled), as_mosaic=as_mosaic)
    assert photo.notes == ("dead on its sensor, filled in from beside: 7 rows and columns",)
    assert whole.notes == ()
    off = np.abs(light_of(photo) - light_of(whole))
    assert off[:, 3:-3][3:-3].max() < 0.15
    assert off.mean() < 0.01


def test_clipped_and_black_areas_and_frames_are_no_dead_lines() -> None:
    samples = noisy()
    samples[:30] = 16383  # a blown sky
    samples[30, :110] = 16383  # and its rim
    samples[:, 100:] = 0  # a frame
    samples[60:62, :40] = 16383  # a lamp
    rows, columns = dead_lines(samples)
    assert not rows.any()
    assert not columns.any()


def test_flat_pictures_have_none() -> None:
    for value in (0, 900, 16383):
        rows, columns = dead_lines(np.full((64, 64), value, np.uint16))
        assert not rows.any()
        assert not columns.any()


def test_single_lines_are_found_among_many_samples() -> None:
    samples = np.random.default_rng(1).integers(500, 4000, (3000, 400)).astype(np.uint16)
    samples[1234] = 1000
    samples[:, 77] = 0
    rows, columns = dead_lines(samples)
    assert np.flatnonzero(rows).tolist() == [1234]
    assert np.flatnonzero(columns).tolist() == [77]
