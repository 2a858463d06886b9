"""The attacks of ../shared/data/cases that no other test goes through, with a network that costs nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from small_photos import Lgbpn, MakePhoto, save_photo

from lgbpn_cli.batch import selection
from lgbpn_cli.batch.selection import Source, select_sources
from lgbpn_cli.batch.targets import plan_targets
from lgbpn_cli.config import OutputConfig
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.record import read_record

QUICK_S = 5.0


def rows(result: Any) -> dict[str, Any]:
    return {Path(row["source"]).name: row for row in map(json.loads, result.stdout.splitlines())}


@pytest.mark.parametrize("name", ["s60000.jpg", "s300000.png"])
def test_blanks_behind_xmp_cost_no_time(lgbpn: Lgbpn, data_root: Path, tmp_path: Path, name: str) -> None:
    start = time.process_time()
    assert lgbpn("denoise", data_root / "cases/xmp_spaces" / name, "-o", tmp_path).exit_code == 0
    assert time.process_time() - start < QUICK_S
    assert read_record(tmp_path / name) is not None


def test_what_cannot_be_written_is_found_before_the_network_runs(
    lgbpn: Lgbpn, data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake_rooms: dict[str, Any]
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("huge.dng", "whole.dng"):
        shutil.copy(data_root / "cases/raw_matrix" / name, folder)
    found = rows(lgbpn("denoise", folder, "-o", tmp_path / "o", "--json"))
    assert found["whole.dng"]["status"] == "done"
    if found["huge.dng"]["status"] == "failed":
        assert "unexpected" not in found["huge.dng"]["error"]
    else:
        assert read_photo(tmp_path / "o/huge.dng").pixels.size


def test_metadata_that_no_file_can_hold_fail_before_the_network_runs(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = make_photo("a.png")
    monkeypatch.setattr("lgbpn_cli.photos.prepare.read_as_result", read_with_unwritable_chunk)
    result = lgbpn("denoise", photo, "-o", tmp_path / "o", "--json")
    assert rows(result)["a.png"]["status"] == "failed"
    assert "its metadata cannot be written into a png file" in rows(result)["a.png"]["error"]
    assert not (tmp_path / "o").exists()


def read_with_unwritable_chunk(path: Path, *of_the_run: Any) -> Any:
    """Read a PNG with a chunk of which nobody can say how long it is."""
    from dataclasses import replace

    from lgbpn_cli.photos.png.chunks import Chunk
    from lgbpn_cli.photos.png.codec import PngContainer
    from lgbpn_cli.photos.rehearse import check_writable
    from lgbpn_cli.photos.shot import Shot

    class Endless(bytes):
        def __len__(self) -> int:
            return 1 << 40

    photo = replace(read_photo(path), container=PngContainer((Chunk(b"tEXt", Endless(b"x")),), ()))
    check_writable(photo)
    return photo, Shot()


def test_lengths_of_a_strange_type_are_no_reason_to_fail_late(
    lgbpn: Lgbpn, data_root: Path, tmp_path: Path
) -> None:
    source = data_root / "cases/tiff_lengths_type/slong.tif"
    assert lgbpn("denoise", source, "-o", tmp_path).exit_code == 0
    assert np.array_equal(read_photo(tmp_path / "slong.tif").pixels, 255 - read_photo(source).pixels)


def test_transparency_behind_the_pixels_gives_a_whole_result(
    lgbpn: Lgbpn, data_root: Path, tmp_path: Path
) -> None:
    source = data_root / "cases/png_trns_after_idat/004821-pal.png"
    result = lgbpn("denoise", source, "-o", tmp_path, "--json")
    assert result.exit_code == 0, result.stderr
    with Image.open(tmp_path / source.name) as image:
        image.load()


def test_photos_that_vanish_after_the_search_fail_alone(
    make_photo: MakePhoto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the search and the plan, and between the look at a file and the question who it is."""
    paths = [make_photo(f"in/{name}") for name in ("a.png", "b.png", "c.png")]
    output = OutputConfig(output=str(tmp_path / "o"))
    sources = select_sources([tmp_path / "in"], output).sources
    paths[1].unlink()
    assert [job.source.name for job in plan_targets(sources, [tmp_path / "in"], output).jobs] == [
        "a.png",
        "b.png",
        "c.png",
    ]
    save_photo(paths[1], (12, 8))
    take = selection._Selector._take

    def too_late(self: Any, source: Source, *found: Any) -> None:
        if source.path.name == "b.png":
            source.path.unlink()
        take(self, source, *found)

    monkeypatch.setattr(selection._Selector, "_take", too_late)
    found = select_sources([tmp_path / "in"], output)
    assert [source.path.name for source in found.sources] == ["a.png", "c.png"]
    assert [path.name for path, _ in found.refused] == ["b.png"]


def test_names_with_commands_to_the_terminal_are_shown_by_eval(
    lgbpn: Lgbpn, tmp_path: Path, repo_root: Path
) -> None:
    name = "=x\x1b]0;owned\x07\x1b[31m.png"
    for folder in ("a", "b"):
        save_photo(tmp_path / folder / name, (96, 96))
    save_photo(tmp_path / "b" / "only\x1b[32m.png", (96, 96))
    report = tmp_path / "r.csv"
    result = lgbpn("eval", tmp_path / "a", tmp_path / "b", "-m", "fake", "--csv", report)
    assert "\x1b" not in result.stderr + result.stdout
    assert "\\x1b" in result.stderr
    photos = [
        line.split(",")[1] for line in report.read_text("utf-8").splitlines() if not line.startswith("#")
    ]
    assert all(cell == "photo" or cell.startswith("'=x") for cell in photos)


@pytest.mark.skipif(not shutil.which("mount") or os.geteuid() != 0, reason="needs root, for a small disk")
def test_a_full_disk_loses_neither_sidecar_nor_times(lgbpn: Lgbpn, tmp_path: Path) -> None:
    photo, disk = tmp_path / "in/a.jpg", tmp_path / "disk"
    save_photo(photo, (56, 56))
    photo.with_suffix(".xmp").write_text("x" * 80_000)
    os.utime(photo, ns=(10**18, 10**18))
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40k", "tmpfs", str(disk)], check=False)
    if mounted.returncode:
        pytest.skip("no file system may be mounted here")
    try:
        run = ("denoise", photo.parent, "-o", disk / "o", "--preserve-times")
        assert lgbpn(*run).exit_code == 1
        assert list((disk / "o").iterdir()) == []
        subprocess.run(["mount", "-o", "remount,size=4m", "tmpfs", str(disk)], check=True)
        assert lgbpn(*run).exit_code == 0
        assert (disk / "o/a.xmp").read_text() == "x" * 80_000
        assert (disk / "o/a.jpg").stat().st_mtime_ns == 10**18
    finally:
        subprocess.run(["umount", str(disk)], check=False)
