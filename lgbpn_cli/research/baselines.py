"""Simple denoisers to compare with; both are told how strong the noise is, by an estimate from the photo."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from types import ModuleType

import numpy as np

from lgbpn_cli.errors import UsageError

ESTIMATE_STEP_PX = 4
"""Pixels this far apart share hardly any noise, in camera photos too."""
MEDIAN_TO_SIGMA = 1.4826
NLM_PATCH_PX = 5
NLM_REACH_PX = 6
NLM_STRENGTH = 0.8
"""The filter's cut-off h as a multiple of the noise level; scikit-image recommends a little below 1."""

SETTINGS = {
    "nlm": f"patch {NLM_PATCH_PX} px, reach {NLM_REACH_PX} px, h {NLM_STRENGTH} of the estimated noise, fast mode",
    "bm3d": "bm3d_rgb with the estimated noise level",
}
"""What decides about a baseline's results, in words."""

Denoise = Callable[[np.ndarray], np.ndarray]


def load_baseline(name: str) -> Denoise:
    """Return the baseline `nlm` or `bm3d`: a function from (h, w, 3) float32 in 0..1 to the same.

    nlm: non-local means of scikit-image, fast mode. bm3d: the authors' package, not free for commercial use
    and therefore never installed with lgbpn. Raises UsageError where its library is missing.
    """
    if name == "nlm":
        library = _import("skimage.restoration", "scikit-image", "pip install scikit-image")
    else:
        library = _import("bm3d", "the package bm3d", "pip install bm3d (free for non-commercial use only)")

    def nlm(image: np.ndarray) -> np.ndarray:
        sigma = estimate_sigma(image)
        return np.asarray(
            library.denoise_nl_means(
                image,
                NLM_PATCH_PX,
                NLM_REACH_PX,
                NLM_STRENGTH * sigma,
                sigma=sigma,
                fast_mode=True,
                channel_axis=2,
            ),
            np.float32,
        )

    def bm3d(image: np.ndarray) -> np.ndarray:
        return np.asarray(np.clip(library.bm3d_rgb(image, estimate_sigma(image)), 0, 1), np.float32)

    return nlm if name == "nlm" else bm3d


def estimate_sigma(image: np.ndarray) -> float:
    """Return the noise's standard deviation in the picture's own units, from the picture alone.

    The median of |differences| of pixels 4 px apart, over root 2: texture raises it, but not single edges.
    """
    step = min(ESTIMATE_STEP_PX, *(side - 1 for side in image.shape[:2]))
    if step < 1:
        return 1 / 255
    differences = image[:, step:] - image[:, :-step]
    return max(MEDIAN_TO_SIGMA * float(np.median(np.abs(differences))) / math.sqrt(2), 1 / 2550)


def _import(module: str, title: str, install: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UsageError(
            "`baselines`", f"it needs {title}, which is not installed", f"Install it with: {install}"
        ) from error
