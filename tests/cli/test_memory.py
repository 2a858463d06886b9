"""Memory that the real command takes: it grows with the tile, and with the photo only by its own samples."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch

from lgbpn_cli.config import StudentConfig
from lgbpn_cli.models.weight_file import write_weights
from lgbpn_cli.network.student import Student

if not Path("/proc/self/status").exists():
    pytest.skip("only Linux tells a process's own largest memory", allow_module_level=True)

WIDTH = 4000
SAMPLES_BYTES = 2 * 3 * 2
"""Of a pixel of photo and result, 16 bit RGB."""
COMMAND = """
import pathlib
from lgbpn_cli.cli.main import main
try:
    main()
finally:
    status = pathlib.Path("/proc/self/status").read_text()
    print("PEAK", status.partition("VmHWM:")[2].split()[0])
"""
"""Not `ru_maxrss`: a child inherits that from its parent, here the whole run of tests."""
UNIT_BYTES = 1024


def peak_bytes(photo: Path, model: Path, *options: str) -> int:
    arguments = ["denoise", str(photo), "-m", str(model), "--device", "cpu", "--overwrite", "-q", *options]
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments], capture_output=True, text=True, timeout=500, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return int(done.stdout.split()[-1]) * UNIT_BYTES


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A student that costs next to nothing."""
    shape = StudentConfig(widths=(4, 4))
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("model") / "cheap.safetensors"
    write_weights(path, Student(shape).state_dict(), shape, "sidd")
    return path


def tiff_of(path: Path, height: int, rows_a_strip: int = 64) -> Path:
    pixels = np.random.default_rng(0).integers(0, 65536, (height, WIDTH, 3), np.uint16)
    tifffile.imwrite(path, pixels, photometric="rgb", rowsperstrip=rows_a_strip)
    return path


@pytest.mark.parametrize("strips", ["many strips", "one strip"])
def test_ten_times_the_photo_takes_more_memory_for_its_samples_only(
    tmp_path: Path, model: Path, strips: str
) -> None:
    small, large = (
        tiff_of(tmp_path / f"{height}.tif", height, 64 if strips == "many strips" else height)
        for height in (440, 4400)
    )
    tile = ("--tile", "512")  # the same for both: larger ones would take more for the network, too
    grown = peak_bytes(large, model, *tile) - peak_bytes(small, model, *tile)
    pixels = 3960 * WIDTH
    # In float32 photo and result would take twice as much, and half as much again for each further copy.
    assert grown < 1.5 * SAMPLES_BYTES * pixels


def test_a_smaller_tile_takes_less_memory_and_the_limit_holds(tmp_path: Path) -> None:
    # So wide that what its tiles take is far from the limit on either side, whatever the machine's allocator adds.
    shape = StudentConfig(widths=(96, 8))
    wide, photo = tmp_path / "wide.safetensors", tiff_of(tmp_path / "photo.tif", 1024)
    write_weights(wide, Student(shape).state_dict(), shape, "sidd")
    limited = peak_bytes(photo, wide, "--max-memory", "700MB")
    assert limited < 700_000_000 < peak_bytes(photo, wide, "--tile", "1024")
