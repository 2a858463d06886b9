"""LPIPS, how different two pictures look to people, with the authors' package and the user's copy of its weights."""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import numpy as np

from lgbpn_cli.errors import UsageError

OPTION = "`lpips`"
SMALLEST_SIDE_PX = 31
"""AlexNet makes nothing of smaller pictures."""
FETCH = """Fetch them once (233 MB): python -c "import lpips; lpips.LPIPS(net='alex')"."""
HASH_DIGITS = 8
"""PyTorch names the files of its hub NAME-HASH.pth, with as many digits of their SHA-256."""

Distance = Callable[[np.ndarray, np.ndarray], float]


def load_lpips() -> Distance:
    """Return LPIPS 0.1 with AlexNet: two pictures in 8-bit levels, (h, w, 3) float64 -> 0 for equal ones.

    Larger is more different, up to about 1; NaN for pictures smaller than 31 px. Source: Zhang et al., The
    Unreasonable Effectiveness of Deep Features as a Perceptual Metric, CVPR 2018. Raises UsageError where the package
    `lpips` or AlexNet's weights are not on this machine or do not work; nothing is downloaded.
    """
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package calls torchvision in the way of 2021
        package = _import_package()
        weights = _weights_file()
        if not weights.is_file():
            raise UsageError(OPTION, f"AlexNet's weights are not at {weights}", FETCH)
        if _checksum(weights) != weights.stem.rpartition("-")[2]:
            raise UsageError(OPTION, f"{weights} is damaged: its checksum is wrong", f"Delete it. {FETCH}")
        network = package.LPIPS(net="alex", verbose=False)

    def tensor_of(picture: np.ndarray) -> torch.Tensor:
        return torch.from_numpy((picture / 255).astype(np.float32)).permute(2, 0, 1)[None]  # 1 3 h w

    def distance(picture: np.ndarray, reference: np.ndarray) -> float:
        if min(picture.shape[:2]) < SMALLEST_SIDE_PX:
            return math.nan
        with torch.inference_mode():
            return float(network(tensor_of(picture), tensor_of(reference), normalize=True))

    return distance


def _import_package() -> Any:
    try:
        import lpips
        import torchvision.models  # noqa: F401 - lpips imports it; where that fails is told apart below
    except ImportError as error:
        cause = f"it needs the package lpips, which is not installed ({error})"
        raise UsageError(OPTION, cause, "Install it with: pip install lpips.") from error
    except Exception as error:
        # A torchvision of another build than PyTorch fails with whatever PyTorch raises.
        cause = f"the package lpips does not work here ({error})"
        cure = "Install the torchvision that goes with your PyTorch, see https://pytorch.org/get-started/locally/."
        raise UsageError(OPTION, cause, cure) from error
    return lpips


def _weights_file() -> Path:
    """Return where torchvision keeps AlexNet's weights, whether they are there or not."""
    import torch
    from torchvision.models import AlexNet_Weights

    name = Path(urlparse(AlexNet_Weights.IMAGENET1K_V1.url).path).name
    return Path(torch.hub.get_dir()) / "checkpoints" / name


def _checksum(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()[:HASH_DIGITS]
