"""Drawn scenes: every kind, every hue, and what makes each kind."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lgbpn_cli.training.pictures.drawn_scenes import draw_scene, flat, gradient, patchwork, stars, text, weave

SIDE = 96


def drawn(kind: Callable[[int, np.random.Generator], np.ndarray], seed: int) -> np.ndarray:
    return np.clip(kind(SIDE, np.random.default_rng(seed)), 0, 1)


def test_scenes_are_float32_from_0_to_1_and_the_same_for_a_seed() -> None:
    for seed in range(30):
        scene = draw_scene(SIDE, np.random.default_rng(seed))
        assert scene.shape == (SIDE, SIDE, 3)
        assert scene.dtype == np.float32
        assert 0 <= scene.min() <= scene.max() <= 1
        np.testing.assert_array_equal(scene, draw_scene(SIDE, np.random.default_rng(seed)))


def test_flat_scenes_are_mostly_even_and_reach_the_corners_of_the_cube() -> None:
    scenes = [drawn(flat, seed) for seed in range(60)]
    even = [np.mean(np.abs(np.diff(scene, axis=1)).max(axis=2) < 1e-6) for scene in scenes]
    assert min(even) > 0.8
    most = np.array([np.ptp(scene[SIDE // 2, SIDE // 2]) for scene in scenes])
    assert most.max() > 0.9


def test_a_patchwork_is_of_many_even_colours_with_sharp_borders() -> None:
    scenes = [drawn(patchwork, seed) for seed in range(30)]
    colours = [len(np.unique(scene.reshape(-1, 3), axis=0)) for scene in scenes]
    assert min(colours) >= 2
    assert max(colours) > 12
    for scene in scenes:
        down, across = (np.abs(np.diff(scene, axis=axis)).max(axis=2) > 0 for axis in (0, 1))
        assert (down.any(axis=1) == (down.mean(axis=1) > 0.3)).all()
        assert (across.any(axis=0) == (across.mean(axis=0) > 0.3)).all()


def test_gradients_have_no_steps() -> None:
    for seed in range(20):
        assert np.abs(np.diff(drawn(gradient, seed), axis=0)).max() < 0.15


def test_text_has_two_tones_and_edges() -> None:
    edges = [np.abs(np.diff(drawn(text, seed), axis=1)).max() for seed in range(10)]
    assert np.median(edges) > 0.2


def test_stars_are_points_on_a_dark_sky() -> None:
    for seed in range(10):
        light = drawn(stars, seed).mean(axis=2)
        assert np.median(light) < 0.4
        assert light.max() > np.median(light) + 0.02


def test_weave_repeats() -> None:
    found = 0
    for seed in range(20):
        line = drawn(weave, seed)[..., 1].mean(axis=0)
        spectrum = np.abs(np.fft.rfft(line - line.mean()))
        found += spectrum.max() > 4 * np.median(spectrum)
    assert found > 10
