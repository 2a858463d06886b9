"""Golden results: every network and every reader of files gives what it gave when they were recorded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from golden import NETWORKS, PIXELS, RESULTS, decoded, histogram, sample_files

from lgbpn_cli.photos.codecs import CODECS
from lgbpn_cli.photos.read import read_photo

LOSSY = {"base.jpg": 1, "lossy.webp": 1, "a.avif": 1, "deep.avif": 64, "ten_bits.heic": 64}
"""By how much decoders may differ from version to version, in levels of the file."""
NETWORK_UNIT = 1e-5
MOST_UNITS = 50
"""Processors add up in other orders: 0.0005 of the range from black to white is an eighth of a level of 255."""


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_gives_what_it_gave(name: str) -> None:
    with np.load(RESULTS) as golden:
        expected, result = golden[name], NETWORKS[name]()
    assert result.shape == expected.shape
    off = np.abs(result - expected).max()
    assert off <= MOST_UNITS * NETWORK_UNIT, histogram(result, expected, NETWORK_UNIT)


@pytest.mark.parametrize("path", sample_files(), ids=lambda path: path.name)
def test_a_file_gives_the_pixels_it_gave(path: Path) -> None:
    with np.load(PIXELS) as golden:
        expected, pixels = golden[path.name], decoded(path)
    assert (pixels.shape, pixels.dtype) == (expected.shape, expected.dtype)
    off = np.abs(pixels.astype(np.float64) - expected).max()
    assert off <= LOSSY.get(path.name, 0), histogram(
        pixels, expected, 1 if pixels.dtype.kind == "u" else 1e-5
    )


def test_every_kind_of_file_that_is_read_has_one() -> None:
    read_as_raw = {"dng", "cfa-dng"}
    assert {read_photo(path).format for path in sample_files()} == set(CODECS) - read_as_raw


def test_the_histogram_says_where_to_look() -> None:
    golden = np.zeros((10, 10))
    result = golden.copy()
    result[0, :3] = 5
    lines = histogram(result, golden, 1).splitlines()
    assert lines[0] == "off by, in units of 1: mean 0.150, most 5.000"
    assert [line.split()[3] for line in lines[1:] if " 0 " not in line.replace("0 to", "")] == ["97", "3"]
