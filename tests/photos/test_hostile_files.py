"""Bad files in a process of their own: an answer in time, in little memory, without PyTorch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

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
