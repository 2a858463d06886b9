"""Pictures that are drawn for a source of photos, in their colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lgbpn_cli.errors import UsageError
from lgbpn_cli.training.config import DataSource
from lgbpn_cli.training.student.distil import draw_pictures


def test_pictures_are_drawn_in_the_colours_of_a_sources_photos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reds = np.zeros((96, 96, 3), np.uint8)
    reds[..., 0] = 200
    source, seen = DataSource("red", weight=0, renoised_weight=2, drawn=2), list[None]()
    drawn = draw_pictures([reds, reds // 2], source, (0, 1), tmp_path / "drawn", lambda: seen.append(None))
    assert (drawn.weight, drawn.renoised_weight, len(drawn.targets), len(seen)) == (0, 2, 4, 2)
    assert all(map(np.array_equal, drawn.noisy, drawn.targets))
    assert all((picture[..., 1:] == 0).all() for picture in drawn.targets)
    assert [int(leaves.max()) for leaves in drawn.targets[::2]] == [200, 100]
    assert [round(strokes.max() / 100) for strokes in drawn.targets[1::2]] == [2, 1]  # lit unlike
    elsewhere = draw_pictures([reds, reds // 2], source, (0, 1), tmp_path / "elsewhere")
    monkeypatch.setattr(
        "lgbpn_cli.training.pictures.drawn.draw_in_colours", None
    )  # a run that goes on draws nothing
    again = draw_pictures([reds, reds // 2], source, (0, 1), tmp_path / "drawn")
    for other in (elsewhere, again):
        assert all(map(np.array_equal, other.targets, drawn.targets))


def test_drawn_pictures_have_no_pairs_without_new_noise() -> None:
    for weights in ({}, {"weight": 0}, {"weight": 1, "renoised_weight": 1}):
        with pytest.raises(UsageError, match=r"waves: drawn.*teaches nothing"):
            DataSource("waves", drawn=3, **weights)
    with pytest.raises(UsageError, match=r"waves: results_of.*not a list"):
        DataSource("waves", results_of="lgbpn-base")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"waves: drawn.*below 0"):
        DataSource("waves", drawn=-1)
    with pytest.raises(UsageError, match=r"waves: mean_from_skewness.*have no noise"):
        DataSource("waves", weight=0, renoised_weight=1, drawn=1, mean_from_skewness=True)
