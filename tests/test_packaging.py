"""The wheel holds all that a user needs: installed in a fresh environment far from the checkout, it denoises."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

BUILT_FROM = ("lgbpn_cli", "weights", "pyproject.toml", "setup.py", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of a fresh environment in which the wheel is installed."""
    folder = tmp_path_factory.mktemp("packaging")
    source = folder / "source"
    source.mkdir()
    for name in BUILT_FROM:
        origin = Path(__file__).parents[1] / name
        if origin.is_dir():
            shutil.copytree(origin, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(origin, source / name)
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(source)], check=True)
    shutil.rmtree(source)

    environment = folder / "environment"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    (wheel,) = folder.glob("*.whl")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", str(wheel)], check=True)
    # The dependencies are taken from the tests' own environment: PyTorch alone is hundreds of megabytes.
    (site_packages,) = environment.glob("lib/python*/site-packages")
    (site_packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def test_every_file_of_every_room_is_in_the_wheel(installed: Path) -> None:
    top = Path(__file__).parents[1]
    (site_packages,) = installed.parents[1].glob("lib/python*/site-packages")
    files = [file for file in (top / "lgbpn_cli").rglob("*") if file.is_file() and file.suffix != ".pyc"]
    assert len(files) > 300
    assert [file for file in files if not (site_packages / file.relative_to(top)).is_file()] == []


def test_the_wheel_brings_its_code_and_its_models(installed: Path, tmp_path: Path) -> None:
    """What is imported and what is listed lies in the fresh environment, not in a checkout."""
    script = (
        "import lgbpn_cli; from lgbpn_cli.models.manifest import shipped_folder; "
        "print(lgbpn_cli.__file__); print(shipped_folder() / 'manifest.json')"
    )
    done = subprocess.run([installed, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    for line in done.stdout.split():
        assert Path(line).is_relative_to(installed.parents[1])
        assert Path(line).is_file()


def test_the_installed_command_denoises_with_the_shipped_model(installed: Path, tmp_path: Path) -> None:
    """The photo that comes out is smoother than the one that went in, and as bright."""
    random = np.random.default_rng(0)
    noisy = np.clip(random.normal(120, 20, (96, 128, 3)), 0, 255).astype(np.uint8)
    Image.fromarray(noisy).save(tmp_path / "noisy.png")
    command = [installed.with_name("lgbpn"), "denoise", "noisy.png", "-o", "clean.png"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    with Image.open(tmp_path / "clean.png") as image:
        clean = np.asarray(image)
    assert clean.shape == noisy.shape
    assert clean.std() < 0.6 * noisy.std()
    assert abs(clean.mean() - noisy.mean()) < 10
