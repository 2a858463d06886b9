"""Colour spaces of rendered raw files: the profile says the same as the pixels, by another colour engine."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from lgbpn_cli.config import COLOUR_SPACES, OutputConfig
from lgbpn_cli.errors import UsageError
from lgbpn_cli.photos.metadata.icc import SPACES, icc_profile


def profile_of(name: str) -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(io.BytesIO(icc_profile(SPACES[name])))


@pytest.mark.parametrize("name", COLOUR_SPACES)
def test_littlecms_reads_the_pixels_as_the_colours_they_were(name: str) -> None:
    # Inside every gamut, so that nothing is clipped.
    light = np.random.default_rng(0).uniform(0.02, 1.0, (32, 32, 3))
    light[0] = np.linspace(0, 1, 32)[:, None]
    srgb = SPACES["srgb"].curve.encode(light)
    space = SPACES[name]
    encoded = space.curve.encode(np.clip(light @ space.from_linear_srgb.T, 0, 1))
    picture = Image.fromarray(np.rint(encoded * 255).astype(np.uint8))
    back = ImageCms.profileToProfile(picture, profile_of(name), ImageCms.createProfile("sRGB"))
    assert back is not None
    assert np.abs(np.asarray(back).astype(float) - 255 * srgb).max() < 8  # 8-bit steps, in darkness large
    assert np.abs(np.asarray(back).astype(float) - 255 * srgb).mean() < 0.6


@pytest.mark.parametrize("name", COLOUR_SPACES)
def test_a_profile_has_a_name_and_white_stays_white(name: str) -> None:
    profile = profile_of(name)
    assert ImageCms.getProfileDescription(profile).strip() == SPACES[name].description
    assert np.allclose(SPACES[name].from_linear_srgb.sum(axis=1), 1.0, atol=2e-3)


def test_the_matrices_are_the_published_ones() -> None:
    adobe = np.array([[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]])
    assert np.allclose(SPACES["adobe-rgb"].to_connection, adobe, atol=3e-4)
    prophoto = np.array([[0.79767, 0.13519, 0.03135], [0.28804, 0.71188, 0.00009], [0.0, 0.0, 0.82521]])
    assert np.allclose(SPACES["prophoto"].to_connection, prophoto, atol=6e-4)


@pytest.mark.parametrize("format_", ["preserve", "dng"])
def test_a_colour_space_needs_a_type_that_is_rendered(format_: str) -> None:
    with pytest.raises(UsageError, match="Add `format=tiff`"):
        OutputConfig(format=format_, colour_space="adobe-rgb")


def test_an_unknown_colour_space_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="Choose one of srgb"):
        OutputConfig(format="tiff", colour_space="cmyk")
