"""Files that appear whole or not at all, and what dead writers left."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lgbpn_cli.photos import atomic
from lgbpn_cli.photos.atomic import OLD_S, PART_PREFIX, PART_SUFFIX, THIS_MACHINE, replace_file

WRITER = """
import sys
from pathlib import Path
from lgbpn_cli.photos.atomic import replace_file
with replace_file(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    print("writing", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def writer(tmp_path: Path, repo_root: Path) -> subprocess.Popen[str]:
    """Another process that is in the middle of writing `late.txt`."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path / "late.txt")],
        env={**os.environ, "PYTHONPATH": str(repo_root)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    return process


def write(target: Path) -> None:
    atomic._swept.clear()  # as in a run of its own
    with replace_file(target) as file:
        file.write(b"whole")


def parts(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.suffix == PART_SUFFIX]


def test_what_a_killed_writer_left_is_removed_by_the_next(
    writer: subprocess.Popen[str], tmp_path: Path
) -> None:
    writer.kill()
    writer.communicate()
    assert len(parts(tmp_path)) == 1
    write(tmp_path / "a.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_what_another_process_is_writing_stays(writer: subprocess.Popen[str], tmp_path: Path) -> None:
    write(tmp_path / "a.txt")
    assert len(parts(tmp_path)) == 1
    writer.communicate()
    assert (tmp_path / "late.txt").read_bytes() == b"half"
    assert parts(tmp_path) == []


def test_files_of_other_machines_are_removed_when_they_are_old(tmp_path: Path) -> None:
    other = "0" * 8 if THIS_MACHINE != "0" * 8 else "1" * 8
    new, old = (tmp_path / f"{PART_PREFIX}{other}-{number}{PART_SUFFIX}" for number in "12")
    older_version = tmp_path / f"{PART_PREFIX}0123456789abcdef{PART_SUFFIX}"
    kept = tmp_path / ".lgbpn-notes.txt"
    for path in (new, old, older_version, kept):
        path.touch()
    for path in (old, older_version, kept):
        os.utime(path, (time.time() - 2 * OLD_S,) * 2)
    write(tmp_path / "a.txt")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["a.txt", new.name, kept.name])


def test_a_file_appears_with_the_times_asked_for(tmp_path: Path) -> None:
    source, target = tmp_path / "a", tmp_path / "b"
    source.touch()
    os.utime(source, ns=(1_000_000_000, 2_000_000_000))
    with replace_file(target, times_of=source.stat()) as file:
        file.write(b"whole")
    assert target.stat().st_mtime_ns == 2_000_000_000
    assert target.read_bytes() == b"whole"
