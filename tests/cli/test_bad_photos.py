"""`lgbpn denoise` with bad photos: named before there is a network, in time, in little memory, nothing written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import tifffile
from small_photos import Lgbpn, MakePhoto, contents

SECONDS = 5.0
MEMORY_KIB = 500 * 1024
IN_OWN_PROCESS = """
import sys
from pathlib import Path
from lgbpn_cli.cli.main import main
try:
    main()
finally:
    status = Path("/proc/self/status").read_text()
    print(status.split("VmHWM:")[1].split()[0], "torch" in sys.modules)
"""


def bad_files(data_root: Path) -> list[Path]:
    """Those files of the test data that are damaged; some of the malformed ones decode by the letter."""
    files = [
        *(data_root / "odd/malformed").iterdir(),
        *(data_root / "raw").glob("truncated*"),
        data_root / "raw/Canon-R6-pruned.CR3",
        data_root / "raw/all-zeros-IMG_1361.dng",
    ]
    whole = ("0b7d50", "e76546", "c16f48")
    return sorted(path for path in files if not path.name.startswith(whole))


def test_damaged_files_are_named_without_pytorch_and_leave_nothing(
    data_root: Path, repo_root: Path, tmp_path: Path
) -> None:
    files = bad_files(data_root)
    start = time.perf_counter()
    ended = subprocess.run(
        [sys.executable, "-c", IN_OWN_PROCESS, "denoise", "--json", "-o", str(tmp_path / "out"), *files],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(repo_root)},
    )  # fmt: skip
    seconds = time.perf_counter() - start
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    *lines, facts = ended.stdout.splitlines()
    rows = [json.loads(line) for line in lines]
    assert [Path(row["source"]) for row in rows] == files
    assert all(row["status"] == "failed" and row["error"].endswith(".") for row in rows)
    peak_kib, torch = facts.split()
    assert torch == "False"
    assert int(peak_kib) < MEMORY_KIB
    assert seconds < SECONDS * len(files)
    assert not (tmp_path / "out").exists()


def test_good_photos_behind_bad_ones_are_denoised(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    for name in ("1.png", "3.png"):
        (tmp_path / name).write_bytes(b"")
    make_photo("2.png")
    make_photo("4.png")
    result = lgbpn("denoise", tmp_path, "--json")
    assert result.exit_code == 1
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(Path(row["source"]).name, row["status"]) for row in rows] == [
        ("1.png", "failed"), ("2.png", "done"), ("3.png", "failed"), ("4.png", "done"),
    ]  # fmt: skip
    assert {"2_denoised.png", "4_denoised.png"} <= set(contents(tmp_path))


def test_bad_photos_alone_load_no_model(
    lgbpn: Lgbpn, fake_rooms: dict[str, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(fake_rooms["lgbpn_cli.models.load"], "load_model")
    (tmp_path / "a.png").write_bytes(b"")
    result = lgbpn("denoise", tmp_path / "a.png")
    assert result.exit_code == 1
    assert "a.png: the file is empty" in result.stderr


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_float_tiff_with_values_that_are_no_numbers_is_named(
    lgbpn: Lgbpn, tmp_path: Path, value: float
) -> None:
    samples = np.full((20, 30, 3), 0.5, np.float32)
    samples[3, 4, 1] = value
    tifffile.imwrite(tmp_path / "a.tif", samples, photometric="rgb")
    result = lgbpn("denoise", tmp_path / "a.tif")
    assert result.exit_code == 1
    assert "a.tif: it holds values that are not numbers (NaN or infinite)" in result.stderr
    assert set(contents(tmp_path)) == {"a.tif"}
