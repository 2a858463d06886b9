"""Pairs in other colours: noisy and target alike, and nothing but colours changed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lgbpn_cli.training.pictures.other_colours import hue_turn, recoloured, saturated


def pair() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    target = random.uniform(0.3, 0.7, (12, 14, 3)).astype(np.float32)
    noisy = np.rint(255 * (target + 0.02)) / 255
    return noisy.astype(np.float32), target


def test_noisy_and_target_change_alike() -> None:
    noisy, target = pair()
    for seed in range(40):
        there, truth = recoloured((noisy, target), np.random.default_rng(seed))
        assert np.abs((there - truth).mean(axis=(0, 1))).max() < 0.03
        assert there.dtype == truth.dtype == np.float32
        np.testing.assert_allclose(255 * there, np.rint(255 * there), atol=1e-3)


def test_channels_are_exchanged_in_every_order_and_some_pairs_are_inverted() -> None:
    noisy = np.zeros((4, 4, 3), np.float32)
    noisy[...] = (0.2, 0.4, 0.6)
    seen = {
        tuple(np.round(recoloured((noisy, noisy), np.random.default_rng(seed))[1][0, 0], 2))
        for seed in range(300)
    }
    exchanged = {order for order in seen if sorted(order) == pytest.approx([0.2, 0.4, 0.6], abs=0.01)}
    inverted = {order for order in seen if sorted(order) == pytest.approx([0.4, 0.6, 0.8], abs=0.01)}
    assert len(exchanged) >= 6
    assert len(inverted) >= 4


def test_a_hue_turn_keeps_greys_and_turns_back() -> None:
    turn = hue_turn(1.1)
    np.testing.assert_allclose(turn @ np.ones(3), np.ones(3), atol=1e-6)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-6)
    np.testing.assert_allclose(hue_turn(2 * math.pi / 3) @ [1, 0, 0], [0, 1, 0], atol=1e-6)


def test_a_scene_in_more_colour_keeps_its_greys() -> None:
    grey = np.full((5, 5, 3), 0.4, np.float32)
    np.testing.assert_allclose(saturated(grey, np.random.default_rng(0), 3.0), grey, atol=1e-6)
    colour = grey + np.array([0.1, 0, -0.1], np.float32)
    spreads = [np.ptp(saturated(colour, np.random.default_rng(seed), 3.0)[0, 0]) for seed in range(20)]
    assert max(spreads) > 0.35
