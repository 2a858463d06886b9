"""What a pixel of the estimate cannot see: the diamond round itself, in training."""

from __future__ import annotations

import pytest
import torch
from reference.networks import HOLE_FAMILIES, random_image, random_network
from torch import Tensor

from lgbpn_cli.config import NetworkConfig, PassConfig
from lgbpn_cli.network.blind import blind_loss
from lgbpn_cli.network.lgbpn import LGBPN

SIDE = 60
PIXELS = [(30, 30), (27, 32), (33, 25)]
"""So far from all borders that no reflection brings a pixel of the diamond back."""

families = pytest.mark.parametrize("family", HOLE_FAMILIES)
pixels = pytest.mark.parametrize("pixel", PIXELS)


def training_pass(config: NetworkConfig) -> PassConfig:
    return PassConfig(config.training_local_pd, config.training_global_pd)


def seen_from(pixel: tuple[int, int], output: Tensor, source: Tensor) -> Tensor:
    """Return how strongly each pixel of `source` moves the output at `pixel`, (h, w)."""
    directions = random_image(output.shape[1], seed=7) - 0.5
    value = (output[0, :, pixel[0], pixel[1]] * directions).sum()
    (gradient,) = torch.autograd.grad(value, source, retain_graph=True)
    return gradient[0].abs().amax(0)


def ring(
    pixel: tuple[int, int], distances: range, *, step: int = 1, reach: int = 99
) -> list[tuple[int, int]]:
    """Return the pixels at these diamond distances from `pixel` whose offsets are multiples of `step`."""
    span = range(-min(reach, distances[-1]), min(reach, distances[-1]) + 1)
    return [
        (pixel[0] + dy, pixel[1] + dx)
        for dy in span
        for dx in span
        if abs(dy) + abs(dx) in distances and dy % step == 0 and dx % step == 0
    ]


def at(map_: Tensor, places: list[tuple[int, int]]) -> Tensor:
    rows, columns = zip(*places, strict=True)
    return map_[list(rows), list(columns)]


def head_features(config: NetworkConfig) -> Tensor:
    return random_image(1, config.head_width, SIDE, SIDE).requires_grad_()


def network_of(family: str) -> tuple[LGBPN, NetworkConfig]:
    return random_network(HOLE_FAMILIES[family]), HOLE_FAMILIES[family]


@families
@pixels
def test_the_local_branch_sees_nothing_of_the_diamond(family: str, pixel: tuple[int, int]) -> None:
    network, config = network_of(family)
    head = head_features(config)
    seen = seen_from(pixel, network.local_branch(head, training_pass(config)), head)
    assert (at(seen, ring(pixel, range(config.hole_radius_px + 1))) == 0).all()


@families
@pixels
def test_the_local_branch_sees_every_pixel_just_outside_the_diamond(
    family: str, pixel: tuple[int, int]
) -> None:
    network, config = network_of(family)
    head = head_features(config)
    seen = seen_from(pixel, network.local_branch(head, training_pass(config)), head)
    edge = config.hole_radius_px + 1
    assert (at(seen, ring(pixel, range(edge, edge + 1), reach=config.local_kernel_px // 2)) > 0).all()


@families
@pixels
def test_the_global_branch_sees_nothing_of_the_diamond_while_its_maps_are_held(
    family: str, pixel: tuple[int, int]
) -> None:
    network, config = network_of(family)
    head = head_features(config)
    _, maps = network.global_branch(head, training_pass(config), 1, None)
    held = [each.detach() for each in maps]
    output, _ = network.global_branch(head, training_pass(config), 1, held)
    assert (at(seen_from(pixel, output, head), ring(pixel, range(config.hole_radius_px + 1))) == 0).all()


@families
@pixels
def test_the_global_branch_sees_the_even_offsets_just_outside_the_diamond(
    family: str, pixel: tuple[int, int]
) -> None:
    network, config = network_of(family)
    head = head_features(config)
    _, maps = network.global_branch(head, training_pass(config), 1, None)
    output, _ = network.global_branch(head, training_pass(config), 1, [each.detach() for each in maps])
    edge = config.hole_radius_px + 2 - config.hole_radius_px % 2
    assert (at(seen_from(pixel, output, head), ring(pixel, range(edge, edge + 1), step=2)) > 0).all()


def test_through_live_attention_every_pixel_has_a_small_gradient() -> None:
    network, config = network_of("r4")
    head, pixel = head_features(config), PIXELS[0]
    seen = seen_from(pixel, network.global_branch(head, training_pass(config), 1, None)[0], head)
    hidden = at(seen, ring(pixel, range(config.hole_radius_px + 1)))
    assert (hidden > 0).all()
    assert hidden.max() < 0.05 * seen.max()


@families
def test_the_whole_network_sees_nothing_of_the_diamond_while_its_maps_are_held(family: str) -> None:
    network, config = network_of(family)
    image = random_image(1, 3, SIDE, SIDE).requires_grad_()
    with torch.no_grad():
        held = network.freeze(image, training_pass(config))
    output = network(image, training_pass(config), frozen=held)
    for pixel in PIXELS:
        seen = seen_from(pixel, output, image)
        assert (at(seen, ring(pixel, range(config.hole_radius_px + 1))) == 0).all()
        assert seen.max() > 0


def test_near_a_border_reflection_does_show_a_pixel_to_itself() -> None:
    network, config = network_of("r4")
    head = head_features(config)
    _, maps = network.global_branch(head, training_pass(config), 1, None)
    output, _ = network.global_branch(head, training_pass(config), 1, [each.detach() for each in maps])
    seen = seen_from((5, 30), output, head)
    assert seen[5, 30] > 0.1 * seen.max()


def test_the_loss_leaves_out_the_rim() -> None:
    estimate, noisy = random_image(2, 3, 40, 40, seed=1), random_image(2, 3, 40, 40, seed=2)
    before = blind_loss(estimate, noisy, 10)
    for edge in (slice(0, 10), slice(30, 40)):
        estimate[:, :, edge] = 99
        estimate[:, :, :, edge] = 99
    assert blind_loss(estimate, noisy, 10) == before
    estimate[0, 0, 10, 29] += 1
    assert blind_loss(estimate, noisy, 10) != before


def test_the_loss_is_the_mean_absolute_difference_inside_the_rim() -> None:
    estimate, noisy = random_image(2, 3, 40, 40, seed=1), random_image(2, 3, 40, 40, seed=2)
    expected = (estimate[:, :, 10:30, 10:30] - noisy[:, :, 10:30, 10:30]).abs().mean()
    assert blind_loss(estimate, noisy, 10).item() == pytest.approx(expected.item())


def test_a_rim_of_zero_counts_every_pixel() -> None:
    estimate, noisy = random_image(1, 3, 8, 8, seed=1), random_image(1, 3, 8, 8, seed=2)
    assert blind_loss(estimate, noisy, 0).item() == pytest.approx((estimate - noisy).abs().mean().item())
