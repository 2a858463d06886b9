"""Bad files in a process of their own: an answer in time, in little memory, without PyTorch."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from photo_samples import ICC, smooth
from PIL import Image

from lgbpn_cli.photos.photo import Camera, Photo
from lgbpn_cli.photos.raw.dng import DngContainer
from lgbpn_cli.photos.write import write_photo

SECONDS_PER_FILE = 5.0
MEMORY_KIB = 500 * 1024
READ_ALL = """
import json, sys, time
from pathlib import Path
from lgbpn_cli.errors import PhotoError
from lgbpn_cli.photos.read import read_photo

for name in sys.argv[1:]:
    start = time.process_time()
    try:
        read_photo(Path(name))
        error = ""
    except PhotoError as found:
        error = str(found)
    print(json.dumps([name, error, time.process_time() - start]))
# Not getrusage: its peak counts what the parent held when it started this process.
status = Path("/proc/self/status").read_text()
peak = int(status.split("VmHWM:")[1].split()[0])
print(json.dumps([peak, "torch" in sys.modules]))
"""


def read_in_own_process(paths: list[Path], repo_root: Path) -> tuple[list[list[object]], int, bool]:
    """What became of each file; the peak of the memory in KiB; whether PyTorch was imported."""
    environment = {**os.environ, "PYTHONPATH": str(repo_root)}
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", READ_ALL, *map(str, paths)],
        capture_output=True, text=True, check=False, env=environment, timeout=300,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    *files, (peak, torch) = [json.loads(line) for line in ended.stdout.splitlines()]
    return files, peak, torch


def test_bad_files_are_decided_in_time_in_little_memory_and_without_pytorch(
    data_root: Path, repo_root: Path
) -> None:
    bad = [
        *(data_root / "odd/malformed").iterdir(),
        *(data_root / "odd/invalid_jpg").glob("*.jpg"),
        *(data_root / "raw").glob("truncated*"),
        data_root / "raw/Canon-R6-pruned.CR3",
        data_root / "raw/all-zeros-IMG_1361.dng",
    ]
    files, peak_kib, torch = read_in_own_process(sorted(bad), repo_root)
    assert len(files) == len(bad)
    for name, error, seconds in files:
        assert isinstance(seconds, float)
        assert seconds < SECONDS_PER_FILE, name
        assert "\n" not in str(error)
    refused = {Path(str(name)).name for name, error, _ in files if error}
    assert {"truncated-1.nef", "truncated-2.nef", "all-zeros-IMG_1361.dng"} <= refused
    assert peak_kib < MEMORY_KIB
    assert not torch


def bombs(folder: Path, repo_root: Path) -> list[Path]:
    """Small whole files of every type whose headers claim enormous pictures."""
    claims: list[tuple[Path, bytes, bytes]] = []
    dng = folder / "a.dng"
    straight = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    camera = Camera("Maker", "Model", (2.0, 1.0, 1.5), straight, straight, (0, 0, 64, 48))
    pixels = smooth(48, 64).astype(np.uint16) * 257
    write_photo(Photo(dng, pixels, None, "dng", 1, DngContainer(), linear=True, camera=camera), dng)
    for tag, side in ((256, 64), (257, 48)):
        claims.append((dng, struct.pack("<HHII", tag, 4, 1, side), struct.pack("<HHII", tag, 4, 1, 60_000)))
    shutil.copyfile(repo_root / "tests/golden/ten_bits.heic", folder / "a.heic")
    picture = Image.fromarray(smooth(64, 96))
    picture.save(folder / "a.avif")
    picture.save(folder / "a.webp", icc_profile=ICC)
    picture.save(folder / "a.jpg")
    picture.save(folder / "progressive.jpg", progressive=True)
    for name in ("a.heic", "a.avif"):
        claims.append((folder / name, struct.pack(">II", 96, 64), struct.pack(">II", 60_000, 60_000)))
    claims.append((folder / "a.webp", b"\x5f\0\0\x3f\0\0", b"\xff\xff\xff\xff\x0f\0"))
    for name in ("a.jpg", "progressive.jpg"):
        claims.append((folder / name, struct.pack(">HH", 64, 96), struct.pack(">HH", 65_000, 65_000)))
    kinds: dict[str, dict[str, Any]] = {
        "a.tif": {"compression": "zlib"},
        "jpeg.tif": {"compression": "jpeg", "photometric": "ycbcr"},
        "big.tif": {"bigtiff": True},
    }
    for name, options in kinds.items():
        tifffile.imwrite(folder / name, smooth(64, 96), **{"photometric": "rgb", **options})
        with tifffile.TiffFile(folder / name) as tiff:
            places = [tiff.pages[0].tags[tag].valueoffset for tag in (256, 257)]
        data = bytearray((folder / name).read_bytes())
        for place in places:
            data[place : place + 2] = struct.pack("<H", 65_000)
        (folder / name).write_bytes(data)
    for path, old, new in claims:
        data = bytearray(path.read_bytes())
        assert old in data, path
        path.write_bytes(data.replace(old, new))
    return sorted(path for path in folder.iterdir())


def test_bombs_of_every_type_are_refused_in_time_and_in_little_memory(
    tmp_path: Path, repo_root: Path
) -> None:
    paths = bombs(tmp_path, repo_root)
    assert {path.suffix for path in paths} == {".dng", ".heic", ".avif", ".webp", ".jpg", ".tif"}
    files, peak_kib, torch = read_in_own_process(paths, repo_root)
    for name, error, seconds in files:
        assert error, name
        assert isinstance(seconds, float)
        assert seconds < SECONDS_PER_FILE, name
    assert peak_kib < MEMORY_KIB
    assert not torch
