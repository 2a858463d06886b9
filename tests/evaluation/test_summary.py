"""Means, intervals and paired comparisons."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lgbpn_cli.evaluation.summary import bootstrap_interval, compare, summarise


def test_the_interval_is_as_wide_as_theory_says() -> None:
    values = np.random.default_rng(0).normal(30, 2, 400)
    low, high = bootstrap_interval(values, seed=0)
    half = 1.96 * values.std() / math.sqrt(400)
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.03)


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.array([1.0, 2.0, 7.0, 3.0])
    assert bootstrap_interval(values, seed=3) == bootstrap_interval(values, seed=3)


def test_another_seed_gives_another_interval() -> None:
    values = np.random.default_rng(0).normal(30, 2, 50)
    assert bootstrap_interval(values, seed=3) != bootstrap_interval(values, seed=4)


def test_one_photo_has_no_spread() -> None:
    assert bootstrap_interval(np.array([31.5]), seed=0) == (31.5, 31.5)


def test_the_worst_photo_is_named() -> None:
    summary = summarise({"a": 30.0, "b": 25.0, "c": 41.0}, seed=0)
    assert (summary.worst, summary.worst_photo, summary.median, summary.mean) == (25, "b", 30, 32)


def test_wins_and_losses_are_counted_on_common_photos() -> None:
    found = compare(
        ("x", {"a": 31.0, "b": 30.0, "c": 20.0, "d": 9.0}), ("y", {"a": 30.0, "b": 32.0, "c": 20.001}), 0
    )
    assert (found.wins, found.losses, found.ties) == (1, 1, 1)
    assert found.mean_difference == pytest.approx(-1.001 / 3)


def test_two_results_that_equal_the_reference_are_a_tie() -> None:
    assert compare(("x", {"a": math.inf}), ("y", {"a": math.inf}), 0).ties == 1
