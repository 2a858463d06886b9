"""The real command in a process of its own, with the model that ships: from noisy files to clean ones."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lgbpn_cli.evaluation.metrics import psnr_db


def lgbpn(*arguments: object, home: Path) -> subprocess.CompletedProcess[str]:
    """Run the command with the user's own models below `home`."""
    command = [sys.executable, "-m", "lgbpn_cli", *map(str, arguments)]
    environment = {**os.environ, "XDG_DATA_HOME": str(home / "data"), "HOME": str(home)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image, np.float64)


@pytest.fixture
def blocks(data_root: Path, tmp_path: Path) -> Path:
    """A folder with two real noisy photos of a phone."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("01_04.png", "21_08.png"):
        shutil.copy(data_root / "sidd-val-odd" / "noisy" / name, folder)
    return folder


def test_real_noisy_photos_come_out_much_closer_to_their_references(
    blocks: Path, data_root: Path, tmp_path: Path
) -> None:
    done = lgbpn("denoise", blocks, "-o", tmp_path / "clean", "-d", "cpu", "--json", home=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["status"] for line in lines] == ["done", "done"]
    for name in ("01_04.png", "21_08.png"):
        reference = pixels(data_root / "sidd-val-odd" / "reference" / name)
        before, after = (
            psnr_db(pixels(blocks / name), reference),
            psnr_db(pixels(tmp_path / "clean" / name), reference),
        )
        assert after > before + 6


def test_best_is_the_same_for_the_same_seed_whatever_the_run(blocks: Path, tmp_path: Path) -> None:
    photo = tmp_path / "part.png"
    with Image.open(blocks / "01_04.png") as block:
        block.crop((0, 0, 96, 96)).save(photo)
    for run, seed in (("first", 5), ("second", 5), ("other", 6)):
        options = ("-o", tmp_path / run, "--quality", "teacher-r3", "--seed", seed)
        lgbpn("denoise", photo, *options, home=tmp_path)
    first, second, other = (pixels(tmp_path / run / "part.png") for run in ("first", "second", "other"))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_an_unknown_model_is_one_line_that_names_the_models_there_are(blocks: Path, tmp_path: Path) -> None:
    done = lgbpn("denoise", blocks, "-o", tmp_path / "clean", "-m", "nosuch", home=tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "nosuch" in done.stderr
    assert "lgbpn-base" in done.stderr
    assert not (tmp_path / "clean").exists()


def test_a_missing_gpu_that_was_asked_for_is_an_error(blocks: Path, tmp_path: Path) -> None:
    done = lgbpn("denoise", blocks, "-o", tmp_path / "clean", "-d", "cuda:99", home=tmp_path)
    assert done.returncode == 2
    assert "cuda:99" in done.stderr


def test_damaged_weights_are_found_by_their_checksum(blocks: Path, data_root: Path, tmp_path: Path) -> None:
    checkpoint = data_root / "parity" / "authors-format-width16.pth"
    assert lgbpn("models", "import", checkpoint, "--name", "mine", home=tmp_path).returncode == 0
    (weights,) = (tmp_path / "data").rglob("mine.safetensors")
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    done = lgbpn("denoise", blocks, "-o", tmp_path / "clean", "-m", "mine", home=tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "damaged" in done.stderr
    assert not (tmp_path / "clean").exists()


def test_bad_files_are_named_and_the_good_ones_are_done(blocks: Path, tmp_path: Path) -> None:
    with Image.open(blocks / "01_04.png") as image:
        image.save(blocks / "cut.jpg")
    whole = (blocks / "cut.jpg").read_bytes()
    (blocks / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (blocks / "empty.jpg").touch()
    (blocks / "text.png").write_text("no picture at all\n")
    done = lgbpn("denoise", blocks, "-o", tmp_path / "clean", home=tmp_path)
    assert done.returncode == 1
    for name in ("cut.jpg", "empty.jpg", "text.png"):
        assert any(name in line for line in done.stderr.splitlines())
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in (tmp_path / "clean").iterdir()) == ["01_04.png", "21_08.png"]


def test_a_folder_without_photos_is_said_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    done = lgbpn("denoise", tmp_path / "nothing", home=tmp_path)
    assert done.returncode == 0
    assert done.stderr
