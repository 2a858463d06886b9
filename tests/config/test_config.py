"""Settings refuse what cannot work."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from reference.networks import HOLE_FAMILIES

from lgbpn_cli.config import NETWORKS, PRESETS, PUBLISHED, InferenceConfig, NetworkConfig, PassConfig
from lgbpn_cli.errors import UsageError


def test_the_published_network_is_that_of_the_paper() -> None:
    shape = PUBLISHED.width, PUBLISHED.head_width, PUBLISHED.local_modules, PUBLISHED.global_blocks
    assert shape == (128, 24, 9, 6)
    assert PUBLISHED.hidden_width == 340
    assert NETWORKS["published"] is PUBLISHED


def test_the_presets_are_the_authors_options() -> None:
    assert PRESETS["sidd"].first == PassConfig(3, 4, 0.72, 0.80, 2, 7)
    assert PRESETS["sidd"].refine == PassConfig(2, 4, 0.46, 0.43, 2, 7)
    assert PRESETS["dnd"].first == PassConfig(2, 4, 0.50, 0.65, 2, 7)
    assert PRESETS["dnd"].refine == PassConfig(2, 2, 0.40, 0.35, 2, 7)


def test_settings_cannot_be_changed_once_made() -> None:
    with pytest.raises(FrozenInstanceError):
        PUBLISHED.width = 64  # type: ignore[misc]


@pytest.mark.parametrize("family", HOLE_FAMILIES)
def test_each_family_of_hole_kernels_and_pd_is_accepted(family: str) -> None:
    assert isinstance(HOLE_FAMILIES[family], NetworkConfig)


@pytest.mark.parametrize(
    "fields",
    [
        {"training_local_pd": 3},
        {"training_global_pd": 4},
        {"local_kernel_px": 11},
        {"global_kernel_px": 25},
        {"hole_radius_px": 5},
    ],
    ids=str,
)
def test_a_kernel_that_sees_back_into_the_hole_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="sees back into the hole"):
        NetworkConfig(**fields)


def test_a_local_kernel_larger_than_the_hole_needs_one_more_pixel_of_distance() -> None:
    # The tap (5, 0) is kept, and 8 px away it lies on (3, 0): inside the hole.
    with pytest.raises(UsageError, match="sees back into the hole"):
        NetworkConfig(hole_radius_px=3, local_kernel_px=11, training_local_pd=4)


def test_a_global_kernel_without_a_tap_on_its_centre_is_refused() -> None:
    # Ten taps two pixels apart: their middle lies between two of them.
    with pytest.raises(UsageError):
        NetworkConfig(global_kernel_px=19)


@pytest.mark.parametrize(
    "fields",
    [
        {"width": 33},
        {"width": 0},
        {"width": -2},
        {"head_width": 0},
        {"attention_heads": 3},
        {"local_kernel_px": 8},
        {"global_kernel_px": 20},
    ],
    ids=str,
)
def test_a_network_that_cannot_be_built_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        NetworkConfig(**fields)


def test_a_network_without_heads_is_refused() -> None:
    with pytest.raises(UsageError):
        NetworkConfig(attention_heads=0)


REFUSED = [
    ({"quality": "fast!"}, "`quality`"),
    ({"preset": "raw"}, "`preset`"),
    ({"strength": -0.01}, "`strength`"),
    ({"strength": 1.01}, "`strength`"),
    ({"strength": float("nan")}, "`strength`"),
    ({"tile_px": 63}, "`tile_px`"),
    ({"halo_px": -1}, "`halo_px`"),
    ({"precision": "int8"}, "`precision`"),
    ({"seed": -1}, "`seed`"),
]


@pytest.mark.parametrize(("fields", "option"), REFUSED, ids=str)
def test_an_impossible_setting_is_refused_naming_its_option(fields: dict[str, Any], option: str) -> None:
    with pytest.raises(UsageError) as caught:
        InferenceConfig(**fields)
    assert caught.value.subject == option
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"quality": "teacher-r3", "preset": "dnd", "seed": 2**40},
        {"strength": 0.0},
        {"tile_px": 64, "halo_px": 200},
        {"halo_px": 0},
    ],
    ids=str,
)
def test_settings_at_the_edge_of_what_works_are_accepted(fields: dict[str, Any]) -> None:
    config = InferenceConfig(**fields)
    assert all(getattr(config, name) == value for name, value in fields.items())
