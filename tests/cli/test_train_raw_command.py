"""`lgbpn train-raw`: a part for raw files joins the model, with its card and manifest entry."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from lgbpn_cli.cli.main import app
from lgbpn_cli.models.manifest import read_manifest
from lgbpn_cli.models.weight_file import read_weights
from lgbpn_cli.network.raw import RawNetwork

RECIPE = """
name = "tiny"
licence = "CC0"

[network]
widths = [4, 6]

[training]
steps = 2
batch = 1
crop_px = 16

[[sources]]
folder = "photos"
"""
MATRIX = [[0.88, -0.33, -0.05], [-0.43, 1.25, 0.2], [-0.1, 0.2, 0.6]]
LINE = {"slope": 0.66, "bias": 1.1, "sigma": 0.0}
ELD = {"one": {"G_shape": [0.1], "Profile-1": {"g_scale": LINE, "R_scale": LINE}}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("photos", "noise"):
        (tmp_path / name).mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photos" / "a.png")
    (tmp_path / "noise" / "camera-matrices.json").write_text(json.dumps({"xyz_to_camera": [MATRIX]}))
    (tmp_path / "noise" / "eld-cameras.json").write_text(json.dumps({"cameras": ELD}))
    (tmp_path / "raw.toml").write_text(RECIPE)
    return tmp_path


def run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Result:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("LGBPN_DATA", str(folder))
    return CliRunner().invoke(app, ["train-raw", "raw.toml", "--models-folder", "models", "--device", "cpu"])


def test_a_raw_network_becomes_a_part_of_its_model(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run(folder, monkeypatch)
    assert done.exit_code == 0, done.output
    entry = read_manifest(folder / "models")["tiny"]
    network, _ = read_weights(entry.part_path("raw"))
    assert isinstance(network, RawNetwork)
    assert "photos: 1 photographs as scenes" in entry.training_data
    card = (folder / "models" / "tiny.md").read_text()
    assert entry.parts["raw"].sha256 in card
    assert run(folder, monkeypatch).exit_code == 0
    assert (folder / "models" / "tiny.md").read_text().count("## The raw network") == 1


def test_missing_facts_about_cameras_stop_it_with_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "noise" / "eld-cameras.json").unlink()
    done = run(folder, monkeypatch)
    assert done.exit_code == 2
    assert "eld-cameras.json: cannot be read" in done.output
    assert "Traceback" not in done.output
