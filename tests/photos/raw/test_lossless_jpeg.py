"""Lossless JPEG: what other decoders read is what was written, whatever the samples are."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest

from lgbpn_cli.photos.raw.lossless_jpeg import LONGEST_CODE, code_lengths, encode_lossless

RANDOM = np.random.default_rng(1)
EVERY_DIFFERENCE = np.cumsum(RANDOM.permutation(1 << 16).astype(np.uint16), dtype=np.uint16)
PICTURES = {
    "noise of all sizes": RANDOM.integers(0, 1 << 16, (40, 50, 3), np.uint16),
    "every difference": EVERY_DIFFERENCE.reshape(256, 256, 1),
    "more samples than are packed at a time": RANDOM.normal(9000, 40, (40, 512, 3)).astype(np.uint16),
    "steps between black and white": (np.indices((30, 31)).sum(axis=0) % 2 * 65535).astype(np.uint16)[..., None],
    "bytes of ones": np.full((70, 33, 2), 65535, np.uint16) * (np.arange(33) % 3 > 0)[:, None].astype(np.uint16),
    "one colour": np.full((9, 7, 3), 512, np.uint16),
    "one sample": np.full((1, 1, 1), 40_000, np.uint16),
    "sites in pairs": RANDOM.normal(900, 30, (64, 65, 2)).astype(np.uint16),
}  # fmt: skip


@pytest.mark.parametrize("name", PICTURES)
def test_two_other_decoders_read_the_same_samples(name: str) -> None:
    samples = PICTURES[name]
    data = encode_lossless(samples)
    assert np.array_equal(imagecodecs.jpegsof3_decode(data).reshape(samples.shape), samples)
    if samples.shape[2] != 2:  # which libjpeg-turbo has no colours for
        assert np.array_equal(imagecodecs.jpeg8_decode(data).reshape(samples.shape), samples)


def test_files_are_as_small_as_those_of_libjpeg_turbo() -> None:
    samples = PICTURES["more samples than are packed at a time"]
    other = imagecodecs.jpeg8_encode(
        samples, lossless=True, predictor=1, colorspace="RGB", outcolorspace="RGB", bitspersample=16
    )
    assert len(encode_lossless(samples)) <= len(other)


def test_codes_are_no_longer_than_allowed_and_leave_one_free() -> None:
    counts = [1, 1]
    while len(counts) < 17:  # Fibonacci's numbers, of which the rarest would have 17 bits
        counts.append(counts[-1] + counts[-2])
    lengths = code_lengths(counts)
    assert 0 < max(lengths) <= LONGEST_CODE
    assert sum(2.0**-length for length in lengths) <= 1 - 2.0**-LONGEST_CODE
    assert code_lengths([0, 5, 0]) == [0, 1, 0]
