"""`lgbpn eval --lpips`: a figure more where the user has its weights, a word on what is missing where not."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
from small_photos import Lgbpn, MakePhoto

SIZE = (24, 20)


@pytest.fixture
def pair(make_photo: MakePhoto, tmp_path: Path) -> tuple[Path, Path]:
    make_photo("noisy/a.png", SIZE)
    make_photo("clean/a.png", SIZE)
    return tmp_path / "noisy", tmp_path / "clean"


@pytest.fixture
def far_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """A distance that is 0.25 for all pictures that are not equal."""

    def distance(picture: np.ndarray, reference: np.ndarray) -> float:
        return 0.0 if np.array_equal(picture, reference) else 0.25

    monkeypatch.setattr(
        importlib.import_module("lgbpn_cli.evaluation.measurements"), "load_lpips", lambda: distance
    )


def test_lpips_is_a_figure_of_every_method(lgbpn: Lgbpn, pair: tuple[Path, Path], far_apart: None) -> None:
    result = lgbpn("eval", *pair, "--lpips", "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert [method["figures"]["lpips"]["mean"] for method in found["methods"]] == [0.0, 0.25]
    assert "AlexNet" in found["protocol"]["lpips"]


def test_lpips_is_a_column_of_the_table(lgbpn: Lgbpn, pair: tuple[Path, Path], far_apart: None) -> None:
    header = lgbpn("eval", *pair, "--lpips").stderr.splitlines()[0]
    assert "LPIPS" in header.split()
    assert "LPIPS" not in lgbpn("eval", *pair).stderr


def test_without_its_weights_nothing_is_measured(
    lgbpn: Lgbpn, pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "empty"))
    result = lgbpn("eval", *pair, "--lpips", "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("lgbpn: --lpips: ")


def test_lpips_without_references_is_a_contradiction(lgbpn: Lgbpn, pair: tuple[Path, Path]) -> None:
    result = lgbpn("eval", pair[0], "--no-reference", "--lpips")
    assert result.exit_code == 2
    assert "--lpips" in result.stderr
