"""Small photographs and facts about two cameras: lessons without the data folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lgbpn_cli.training.raw.cameras import ELD_FILE, MATRICES_FILE, CameraData, read_camera_data
from lgbpn_cli.training.raw.lessons import RawScenes

MATRIX = [[0.88, -0.33, -0.05], [-0.43, 1.25, 0.2], [-0.1, 0.2, 0.6]]
LINE = {"slope": 0.66, "bias": 1.1, "sigma": 0.0}
ELD_CAMERA = {"G_shape": [0.1], "Profile-1": {"g_scale": LINE, "R_scale": {**LINE, "bias": -0.8}}}


@pytest.fixture
def camera_folder(tmp_path: Path) -> Path:
    (tmp_path / "noise").mkdir()
    (tmp_path / MATRICES_FILE).write_text(json.dumps({"xyz_to_camera": [MATRIX]}))
    (tmp_path / ELD_FILE).write_text(json.dumps({"cameras": {"one": ELD_CAMERA}}))
    return tmp_path


@pytest.fixture
def camera_data(camera_folder: Path) -> CameraData:
    return read_camera_data(camera_folder)


@pytest.fixture
def raw_scenes() -> list[RawScenes]:
    random = np.random.default_rng(3)
    rows, columns = np.mgrid[:120, :150]
    waves = [128 + 60 * np.sin(rows / 9 + k) + 50 * np.cos(columns / 7 - k) for k in range(3)]
    photo = np.clip(np.stack(waves, axis=2) + random.normal(0, 4, (120, 150, 3)), 0, 255).astype(np.uint8)
    return [RawScenes("waves", (photo,), 1.0, (1, 2))]
