"""GIMP's plug-in with real GEGL buffers and the real lgbpn; GIMP itself is a stand-in, see gimp_stand_in.py."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from lgbpn_cli.photos.read import read_photo

SYSTEM_PYTHON = Path("/usr/bin/python3")
HAS_GEGL = (
    SYSTEM_PYTHON.exists()
    and subprocess.run(
        [SYSTEM_PYTHON, "-c", "import gi; gi.require_version('Gegl', '0.4'); from gi.repository import Gegl"],
        capture_output=True,
        check=False,
    ).returncode
    == 0
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not HAS_GEGL, reason="GEGL is not installed (Debian: gir1.2-gegl-0.4 python3-gi)"),
]


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    pixels = np.clip(random.normal(120, 15, (90, 110, 3)), 0, 255).astype(np.uint8)
    alpha = np.full((90, 110, 1), 255, np.uint8)
    alpha[:20] = 128
    Image.fromarray(np.concatenate([pixels, alpha], axis=2)).save(tmp_path / "layer.png")
    return tmp_path / "layer.png"


def run(layer: Path, repo_root: Path, command: str = "", **settings: object) -> dict[str, Any]:
    """What the plug-in answers; the layer after it is at out.png."""
    words = [
        SYSTEM_PYTHON,
        Path(__file__).with_name("gimp_stand_in.py"),
        repo_root / "integrations/gimp/lgbpn/lgbpn.py",
        layer,
        layer.with_name("out.png"),
        command or f"{sys.executable} -m lgbpn_cli",
        json.dumps(settings),
    ]
    environment = {
        **os.environ,
        "XDG_CACHE_HOME": str(layer.parent),
    }
    environment["PYTHONPATH"] = str(repo_root)
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def lgbpn(*words: object) -> None:
    subprocess.run([sys.executable, "-m", "lgbpn_cli", *map(str, words)], check=True, capture_output=True)


def test_the_layer_becomes_what_the_command_makes_of_it(layer: Path, repo_root: Path) -> None:
    answer = run(layer, repo_root, measured=False, strength=0.8, luma=0.5, chroma=1)
    assert answer["status"] == "success", answer["message"]
    assert answer["calls"] == ["progress", "begin", "merge True", "update (0, 0, 110, 90)", "end", "flush"]
    with Image.open(layer) as image:
        deep = np.asarray(image).astype(np.uint16) * 257
    tifffile.imwrite(layer.with_name("deep.tif"), deep, photometric="rgb", extrasamples=["unassalpha"])
    lgbpn(
        "denoise", layer.with_name("deep.tif"), "-o", layer.with_name("c.tif"), "--luma", 0.4, "--chroma", 0.8
    )
    found, expected = read_photo(layer.with_name("out.png")), read_photo(layer.with_name("c.tif"))
    assert found.pixels.dtype == np.uint16
    assert np.abs(found.pixels[20:].astype(int) - expected.pixels[20:]).max() <= 257
    assert found.alpha is not None
    assert (found.alpha[:20] // 257 == 128).all()
    assert np.abs(found.pixels[20:] / 257.0 - deep[20:, :, :3] / 257.0).mean() > 1
    assert [path.name for path in layer.parent.iterdir() if path.name.startswith("lgbpn-")] == []


def test_what_went_wrong_is_said_and_the_layer_stays(layer: Path, repo_root: Path) -> None:
    missing = run(layer, repo_root, "no-such-program")
    assert missing["status"] == "error"
    assert (
        missing["message"]
        == "no-such-program cannot be started (No such file or directory). Say where it is."
    )
    failed = run(layer, repo_root, f"{sys.executable} -m lgbpn_cli --nonsense")
    assert failed["status"] == "error"
    assert "--nonsense" in failed["message"]
    assert failed["calls"] == ["progress", "begin", "end"]
    assert run(layer, repo_root, layers=2)["message"] == "Choose one layer."


def test_the_dialog_begins_with_the_defaults_of_the_command(layer: Path, repo_root: Path) -> None:
    found = run(layer, repo_root, "no-such-program")["settings"]
    assert found == {
        "measured": True,
        "strength": 1,
        "luma": 1,
        "chroma": 1,
        "best": False,
        "command": "lgbpn",
    }
