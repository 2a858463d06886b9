"""`lgbpn distill` as a process of its own: a student for the shipped teacher, from tiny noisy photos."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from recipe_process import start_in

RECIPE = """
name = "mine"
teacher = "lgbpn-base"
licence = "CC0"

[student]
widths = [4, 4]

[distillation]
steps = {steps}
batch = 1
crop_px = 32
checkpoint_every = 1

[[sources]]
folder = "noisy"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "noisy").mkdir()
    pixels = np.random.default_rng(0).integers(60, 120, (48, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "noisy" / "a.png")
    (tmp_path / "mine.toml").write_text(RECIPE.format(steps=2))
    return tmp_path


def test_a_student_is_made_and_used_by_its_name(folder: Path) -> None:
    process = start_in(folder, "distill", "mine.toml", "-d", "cpu")
    said = process.communicate(timeout=300)[1]
    assert process.returncode == 0, said
    assert "prepared 1 of 1 photos" in said
    assert "mine has a student" in said
    use = start_in(
        folder, "denoise", "noisy/a.png", "-o", "out", "-m", "mine", "--quality", "best", "-d", "cpu"
    )
    said = use.communicate(timeout=300)[1]
    assert use.returncode == 0, said
    with Image.open(folder / "out" / "a.png") as result:
        assert result.size == (64, 48)


def test_ctrl_c_leaves_a_run_that_goes_on(folder: Path) -> None:
    (folder / "mine.toml").write_text(RECIPE.format(steps=100_000))
    process = start_in(folder, "distill", "mine.toml", "-d", "cpu", "--run-folder", "run")
    while not (folder / "run" / "student.pt").exists():
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130, said
    assert "the same command goes on from run" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("change", "message"),
    [(("lgbpn-base", "nosuch"), "nosuch"), (('"noisy"', '"nowhere"'), "there is no such folder")],
    ids=["unknown teacher", "missing folder"],
)
def test_what_cannot_run_is_one_line(folder: Path, change: tuple[str, str], message: str) -> None:
    recipe = folder / "mine.toml"
    recipe.write_text(recipe.read_text().replace(*change))
    process = start_in(folder, "distill", "mine.toml", "-d", "cpu")
    said = process.communicate(timeout=300)[1]
    assert process.returncode in (1, 2)
    assert message in said
    assert len(said.splitlines()) == 1
