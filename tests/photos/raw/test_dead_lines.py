"""Dead rows and columns of a sensor are filled in and named; clipped, black and drawn lines are let be."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from raw_samples import light_of, mosaic_of, scene, write_raw

from lgbpn_cli.errors import PhotoReadError
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
    assert photo.notes == ("dead on its sensor, filled in from their neighbours: 7 rows and columns",)
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


SPOILT: dict[str, tuple[tuple[slice, slice], int, str]] = {
    "a green of two": ((slice(1, None, 2), slice(None, None, 2)), 0, "green.*filled in"),
    "all reds": ((slice(None, None, 2), slice(None, None, 2)), 512, "red.*nothing to tell"),
    "a band": ((slice(30, 50), slice(None)), 0, "20 rows.*only zeros"),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_sites_that_saw_nothing_are_named(tmp_path: Path, kind: str) -> None:
    place, value, said = SPOILT[kind]
    samples = noisy()
    whole = light_of(read_photo(write_raw(tmp_path / "whole.dng", samples)))
    samples[place] = value
    photo = read_photo(write_raw(tmp_path / "spoilt.dng", samples))
    assert len(photo.notes) == 1
    assert re.search(said, photo.notes[0])
    if kind == "a green of two":
        assert np.abs(light_of(photo) - whole)[4:-4, 4:-4].mean() < 0.01


@pytest.mark.parametrize("value", [0, 512])
def test_a_sensor_of_which_every_other_row_or_column_is_dead_is_refused(tmp_path: Path, value: int) -> None:
    rows, columns = noisy(), noisy()
    rows[::2], columns[:, 1::2] = value, value
    for samples, said in ((rows, "48 of its 96 rows"), (columns, "60 of its 120 columns")):
        with pytest.raises(PhotoReadError, match=said):
            read_photo(write_raw(tmp_path / "a.dng", samples))
