"""The whole network against its slow twin, and what holds for it at every size."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from reference.networks import HOLE_FAMILIES, PASSES, TINY, random_image, random_network
from reference.slow_lgbpn import Scope, slow_lgbpn, sort_weights

from lgbpn_cli.config import NETWORKS, PUBLISHED, NetworkConfig, PassConfig
from lgbpn_cli.network.lgbpn import LGBPN, parameter_count

every_pass = pytest.mark.parametrize("name", PASSES)
DIVIDING = {
    "training": (120, 120),
    "sidd-first": (48, 60),
    "sidd-refine": (52, 40),
    "dnd-first": (52, 40),
    "dnd-refine": (44, 56),
}
"""Sizes that every PD factor divides, and (but for sidd-first, where none exists) every dilation too."""


TOLERANCE_8BIT = {torch.float64: 1e-10, torch.float32: 1e-4}
"""Largest difference from the twin, in levels of 0..255 (the results spread over about 6)."""


def difference_8bit(
    name: str, size: tuple[int, int], *, scope: Scope = "image", dtype: torch.dtype = torch.float64
) -> float:
    """Return how far network and twin are apart at most, in levels of 0..255."""
    network, image = random_network(dtype=dtype), random_image(1, 3, *size, dtype=dtype)
    with torch.no_grad():
        result = network(image, PASSES[name], attention_scope=scope)
    expected = slow_lgbpn(sort_weights(network.state_dict(), TINY), TINY, PASSES[name], image, scope)
    assert result.shape == expected.shape == image.shape
    return (result - expected).abs().max().item() * 255


@every_pass
@pytest.mark.slow
@pytest.mark.parametrize("size", [(97, 101), (7, 300), (1, 1)], ids=str)
def test_the_network_equals_its_slow_twin_where_sizes_do_not_divide(name: str, size: tuple[int, int]) -> None:
    assert difference_8bit(name, size) < TOLERANCE_8BIT[torch.float64]


@every_pass
def test_the_network_equals_its_slow_twin_where_sizes_divide(name: str) -> None:
    assert difference_8bit(name, DIVIDING[name]) < TOLERANCE_8BIT[torch.float64]


@every_pass
@pytest.mark.slow
def test_the_network_equals_its_slow_twin_with_attention_per_sub_image(name: str) -> None:
    assert difference_8bit(name, (41, 50), scope="sub_image") < TOLERANCE_8BIT[torch.float64]


@every_pass
@pytest.mark.slow
def test_the_network_stays_near_its_slow_twin_in_float32(name: str) -> None:
    assert difference_8bit(name, (41, 50), dtype=torch.float32) < TOLERANCE_8BIT[torch.float32]


@pytest.mark.parametrize("family", ["r3", "r2"])
def test_networks_with_smaller_holes_equal_the_slow_twin(family: str) -> None:
    config = HOLE_FAMILIES[family]
    sampling = PassConfig(config.training_local_pd, config.training_global_pd)
    network, image = random_network(config), random_image(2, 3, 38, 45)
    with torch.no_grad():
        result = network(image, sampling)
    expected = slow_lgbpn(sort_weights(network.state_dict(), config), config, sampling, image)
    assert (result - expected).abs().max() * 255 < TOLERANCE_8BIT[torch.float64]


def test_every_layer_changes_the_result() -> None:
    """What makes the comparison with the twin worth something: no weight is without effect."""
    network, image = random_network(), random_image(1, 3, 40, 44)
    network(image, PASSES["training"]).square().sum().backward()
    without = [
        name for name, value in network.named_parameters() if value.grad is None or not value.grad.any()
    ]
    assert without == []


@pytest.fixture(scope="module")
def shallow() -> LGBPN:
    """A network with one block in each branch: sizes are alike in all of them."""
    return random_network(replace(TINY, global_blocks=1), dtype=torch.float32)


@every_pass
@pytest.mark.parametrize("height", range(1, 21))
def test_small_photos_keep_their_size(shallow: LGBPN, name: str, height: int) -> None:
    width = height * 7 % 20 + 1
    with torch.no_grad():
        result = shallow(random_image(1, 3, height, width, dtype=torch.float32), PASSES[name])
    assert result.shape == (1, 3, height, width)
    assert result.isfinite().all()


@every_pass
def test_frozen_maps_of_the_photo_itself_change_nothing(name: str) -> None:
    network, image = random_network(), random_image(1, 3, 35, 46)
    with torch.no_grad():
        live = network(image, PASSES[name])
        frozen = network(image, PASSES[name], frozen=network.freeze(image, PASSES[name]))
    assert (frozen - live).abs().max() < 1e-12 * live.abs().max()


def test_frozen_maps_of_another_photo_do_change_the_result() -> None:
    network, image, sampling = random_network(), random_image(1, 3, 35, 46), PASSES["training"]
    with torch.no_grad():
        other = network.freeze(random_image(1, 3, 35, 46, seed=9) ** 4, sampling)
        assert (network(image, sampling, frozen=other) - network(image, sampling)).abs().max() > 1e-6


def test_maps_pool_over_all_regions() -> None:
    network, sampling = random_network(), PASSES["sidd-first"]
    one, other = random_image(1, 3, 36, 40, seed=1), random_image(1, 3, 36, 40, seed=2) ** 4
    with torch.no_grad():
        alone, twice = (
            network.freeze(one, sampling).projections,
            network.freeze(torch.cat([one, one]), sampling).projections,
        )
        mixed = network.freeze(torch.cat([one, other]), sampling).projections
    for single, doubled, both in zip(alone, twice, mixed, strict=True):
        assert single.shape == doubled.shape == both.shape == (1, TINY.width, TINY.width)
        torch.testing.assert_close(doubled, single, rtol=0, atol=1e-12)
        assert (both - single).abs().max() > 1e-6


def test_photos_of_one_batch_do_not_influence_each_other() -> None:
    network, sampling = random_network(), PASSES["training"]
    images = torch.cat([random_image(1, 3, 33, 38, seed=1), random_image(1, 3, 33, 38, seed=2) ** 4])
    with torch.no_grad():
        together = network(images, sampling)
        apart = torch.cat([network(each[None], sampling) for each in images])
    torch.testing.assert_close(together, apart, rtol=0, atol=1e-10)


def test_the_value_range_scales_what_goes_in_and_what_comes_out() -> None:
    network, image, sampling = random_network(), random_image(1, 3, 33, 38), PASSES["training"]
    with torch.no_grad():
        estimate = network(image, sampling)
        network.config = network.config.__class__(**{**vars(TINY), "value_range": 1.0})
        assert torch.allclose(network(image * 255, sampling) / 255, estimate, rtol=1e-12, atol=0)


def test_bfloat16_autocast_stays_near_float32_and_ends_in_float32() -> None:
    network, sampling = random_network(dtype=torch.float32), PASSES["sidd-first"]
    image = random_image(1, 3, 48, 52, dtype=torch.float32)
    with torch.no_grad():
        exact = network(image, sampling)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rounded = network(image, sampling)
    assert rounded.dtype == torch.float32
    assert 0 < (rounded - exact).abs().max() < 0.1 * exact.std()


@pytest.mark.parametrize(
    "config", [*HOLE_FAMILIES.values(), *NETWORKS.values(), replace(TINY, width=14, attention_heads=7)]
)
def test_the_number_of_weights_is_known_without_building_the_network(config: NetworkConfig) -> None:
    assert parameter_count(config) == sum(value.numel() for value in LGBPN(config).state_dict().values())


def test_the_published_network_has_as_many_weights_as_the_paper_counts() -> None:
    # Of the 21x21 kernel only the 11x11 lattice is stored; the authors' files hold all 441 taps.
    with_whole_kernel = parameter_count(PUBLISHED) + 24 * 128 * (441 - 121)
    hidden = 24 * 128 * ((81 - 40) + (441 - 108))
    assert round(with_whole_kernel / 1e6, 2) == 4.56
    assert round((with_whole_kernel - hidden) / 1e6, 2) == 3.41
