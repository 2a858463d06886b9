"""LPIPS: the package's answer for the right pictures, or a clear word on what is missing."""

from __future__ import annotations

import hashlib
import importlib
import math
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor

from lgbpn_cli.errors import UsageError
from lgbpn_cli.research.perceptual import load_lpips

WEIGHTS = b"weights of AlexNet"
WEIGHTS_NAME = f"alexnet-owt-{hashlib.sha256(WEIGHTS).hexdigest()[:8]}.pth"
REAL_WEIGHTS_NAME = "alexnet-owt-7be5be79.pth"

PutWeights = Callable[[bytes], Path]


class FakeLpips:
    """Stands for the package's class: the mean of (in0 - in1)^2, of pictures in -1..1 as the real one has them."""

    made: list[dict[str, object]]

    def __init__(self, **options: object) -> None:
        FakeLpips.made.append(options)

    def __call__(self, in0: Tensor, in1: Tensor, *, normalize: bool) -> Tensor:
        assert normalize
        assert in0.shape[:2] == in1.shape[:2] == (1, 3)
        return ((2 * in0 - 2 * in1) ** 2).mean().reshape(1, 1, 1, 1)


@pytest.fixture
def put_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PutWeights:
    """A stand-in for the package, and a function that puts weights where torchvision would look for them."""
    FakeLpips.made = []
    package, vision, models = ModuleType("lpips"), ModuleType("torchvision"), ModuleType("torchvision.models")
    package.LPIPS = FakeLpips  # type: ignore[attr-defined]
    source = SimpleNamespace(url=f"https://example.org/models/{WEIGHTS_NAME}")
    models.AlexNet_Weights = SimpleNamespace(IMAGENET1K_V1=source)  # type: ignore[attr-defined]
    vision.models = models  # type: ignore[attr-defined]
    for module in (package, vision, models):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    def put(content: bytes) -> Path:
        file = tmp_path / "hub" / "checkpoints" / WEIGHTS_NAME
        file.parent.mkdir(parents=True)
        file.write_bytes(content)
        return file

    return put


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 33, 3)).astype(float)


def test_the_package_gets_both_pictures_in_its_own_range(
    put_weights: PutWeights, picture: np.ndarray
) -> None:
    put_weights(WEIGHTS)
    reference = picture[::-1].copy()
    expected = np.mean((2 * (picture - reference) / 255) ** 2)
    assert load_lpips()(picture, reference) == pytest.approx(expected, rel=1e-5)
    assert FakeLpips.made == [{"net": "alex", "verbose": False}]


def test_pictures_too_small_for_the_network_have_no_lpips(put_weights: PutWeights) -> None:
    put_weights(WEIGHTS)
    assert math.isnan(load_lpips()(np.zeros((30, 40, 3)), np.zeros((30, 40, 3))))
    assert load_lpips()(np.zeros((31, 40, 3)), np.zeros((31, 40, 3))) == 0


def test_missing_weights_are_named_with_their_cure_and_not_fetched(
    put_weights: PutWeights, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=rf"{WEIGHTS_NAME}.*python -c"):
        load_lpips()
    assert FakeLpips.made == []
    assert not (tmp_path / "hub").exists()


def test_damaged_weights_are_refused(put_weights: PutWeights) -> None:
    put_weights(WEIGHTS[:-1])
    with pytest.raises(UsageError, match="damaged"):
        load_lpips()
    assert FakeLpips.made == []


def test_a_missing_package_is_named_with_its_cure(
    put_weights: PutWeights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "lpips", None)
    with pytest.raises(UsageError, match="pip install lpips"):
        load_lpips()


def test_a_torchvision_of_another_build_is_no_traceback(
    put_weights: PutWeights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "lpips")
    folder = tmp_path / "packages"
    folder.mkdir()
    (folder / "lpips.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    monkeypatch.syspath_prepend(str(folder))
    with pytest.raises(UsageError, match="operator torchvision::nms does not exist"):
        load_lpips()


def test_the_real_package_tells_near_from_far(
    picture: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("lpips", reason="the package lpips is not installed")
    from torchvision.models import alexnet

    perceptual = importlib.import_module("lgbpn_cli.research.perceptual")
    torch.manual_seed(0)
    file = tmp_path / "hub" / "checkpoints" / REAL_WEIGHTS_NAME
    file.parent.mkdir(parents=True)
    torch.save(alexnet().state_dict(), file)  # features at random, below the package's own linear layers
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(perceptual, "_checksum", lambda file: file.stem.rpartition("-")[2])
    distance = load_lpips()
    near = np.clip(picture + 2, 0, 255)
    assert distance(picture, picture) == 0
    assert 0 < distance(near, picture) < distance(255 - picture, picture)
