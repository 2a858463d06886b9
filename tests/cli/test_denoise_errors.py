"""`lgbpn denoise` and bad input: one file fails, or nothing is begun."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from small_photos import Lgbpn, MakePhoto, contents

from lgbpn_cli.errors import ModelError
from lgbpn_cli.noise.estimator import CellLevels


def test_bad_files_are_named_with_their_cause_and_the_others_are_done(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    whole = make_photo("in/a.jpg", (64, 64))
    (tmp_path / "in" / "b.jpg").write_bytes(whole.read_bytes()[:700])
    (tmp_path / "in" / "c.png").write_bytes(b"")
    (tmp_path / "in" / "d.png").write_text("this is a text")
    make_photo("in/e.png")
    result = lgbpn("denoise", tmp_path / "in", "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert set(contents(tmp_path / "out")) == {"a.jpg", "e.png"}
    assert "2 photos denoised in" in result.stderr
    assert "(3 failed)" in result.stderr
    summary = result.stderr.split("lgbpn: 3 photos failed:\n")[1].splitlines()
    assert len(summary) == 3
    for line, name in zip(summary, ("b.jpg", "c.png", "d.png"), strict=True):
        assert line.startswith(f"  {tmp_path / 'in' / name}: ")


def test_a_named_file_that_is_no_photo_fails_and_the_others_go_on(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("x")
    result = lgbpn("denoise", tmp_path / "notes.txt", make_photo("a.png"))
    assert result.exit_code == 1
    assert (tmp_path / "a_denoised.png").exists()
    assert "notes.txt: is not a photo of a known type. Known are" in result.stderr


@pytest.mark.usefixtures("fake_rooms")
def test_a_full_disk_ends_the_run_and_is_no_ones_fault_among_the_rest(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abcdefgh":
        make_photo(f"in/{name}.png")
    move, free = Path.replace, iter([True, False, False, True])

    def replace(self: Path, target: Path) -> Path:
        if not next(free, False):
            raise OSError(errno.ENOSPC, "No space left on device")
        return move(self, target)

    monkeypatch.setattr("lgbpn_cli.photos.atomic._move_to_free_name", replace)
    result = lgbpn("denoise", tmp_path / "in", "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert set(contents(tmp_path / "out")) == {"a.png", "d.png"}
    assert "stopped: the disk of the results is full; free some space" in result.stderr
    assert "stopped: 2 photos denoised in" in result.stderr
    assert "(5 failed)" in result.stderr  # b, c, and the three in a row; h is left for the next run


def test_folders_without_permission_are_named_and_the_others_are_done(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("in/a.png", "in/locked/b.png", "fixed/c.png"):
        make_photo(name)
    list_folder, access = os.scandir, os.access

    def scandir(folder: Any) -> Any:
        if str(folder).endswith("locked"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return list_folder(folder)

    # Imitated, because the administrator, who runs tests in containers, has every permission.
    monkeypatch.setattr(os, "scandir", scandir)
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "fixed" and access(path, mode))
    result = lgbpn("denoise", tmp_path / "in", tmp_path / "fixed", "-r")
    assert result.exit_code == 1
    assert (tmp_path / "in" / "a_denoised.png").exists()
    summary = result.stderr.split("lgbpn: 2 photos failed:\n")[1].splitlines()
    cause = "the folder cannot be read (Permission denied). Check its permissions."
    assert summary[0] == f"  {tmp_path / 'in' / 'locked'}: {cause}"
    assert f"c.png: nothing can be written to {tmp_path / 'fixed'}. Give another" in summary[1]


@pytest.mark.usefixtures("network_fails_at_5_px")
def test_an_error_inside_the_network_fails_one_photo_and_shows_its_traceback_only_when_asked(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    make_photo("a.png", (5, 5))
    make_photo("b.png")
    result = lgbpn("denoise", tmp_path)
    assert result.exit_code == 1
    assert f"{tmp_path / 'a.png'}: unexpected RuntimeError: the tensors disagree." in result.stderr
    assert "Traceback" not in result.stderr
    assert (tmp_path / "b_denoised.png").exists()
    assert "Traceback" in lgbpn("denoise", tmp_path, "-v").stderr


def test_a_full_disk_fails_the_photo_and_leaves_no_partial_file(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = make_photo("a.png")

    def fsync(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    result = lgbpn("denoise", photo)
    assert result.exit_code == 1
    assert f"{photo}: " in result.stderr
    assert "No space left on device" in result.stderr
    assert set(contents(tmp_path)) == {"a.png"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--tile", "8"], "--tile: 8 px is too small"),
        (["--tile", "7"], "--tile: 7 px is too small"),
        (["--halo", "-1"], "--halo: -1 px is not a width"),
        (["--precision", "int8"], "--precision: 'int8' is unknown"),
        (["--max-memory", "lots"], "--max-memory lots: not an amount of memory"),
        (["--max-memory", "0"], "--max-memory 0: not an amount of memory"),
        (["--max-memory", "10kB"], "--max-memory: too little"),
        (["--strength", "1.5"], "--strength: 1.5 is not between 0 and 1"),
        (["--strength", "nan"], "--strength: nan"),
        (["--luma", "1.5"], "--luma: 1.5 is not between 0 and 1"),
        (["--chroma", "-1"], "--chroma: -1.0 is not between 0 and 1"),
        (["--chroma", "much"], "--chroma much: not a number"),
        (
            ["--strength", "1", "--luma", "0", "--chroma", "1"],
            "--strength: --luma and --chroma already say it",
        ),
        (["--grain", "x"], "--grain x: not AMOUNT or AMOUNT,SIZE"),
        (["--grain", "4,1,2"], "--grain 4,1,2: not AMOUNT or AMOUNT,SIZE"),
        (["--grain", "4,nan"], "--grain: a size of nan px is not between"),
        (["--grain", "-4"], "--grain: an amount of -4 is not between"),
        (["--strength", "150%"], "--strength: 1.5 is not between 0 and 1"),
        (["--strength", "%"], "--strength %: not a number"),
        (["-f", "gif"], "-f: 'gif' is unknown"),
        (["--html", "p.html", "--report-size", "nan"], "--report-size: nan is not a size"),
        (["--quality", "great"], "--quality: 'great' is unknown"),
        (["--preset", "x"], "--preset: 'x' is unknown"),
        (["--seed", "-1"], "--seed: -1 is negative"),
        (["--suffix", ""], "--suffix: is empty"),
        ([""], "an empty argument: it names nothing"),
        (["--in-place", ""], "an empty argument: it names nothing"),
        (["-o", ""], "an empty argument: it names nothing"),
        (["--model", "missing"], "model 'missing': there is no model with this name"),
        (["--device", "cuda"], "--device cuda: PyTorch finds no CUDA GPU"),
        (["--quiet", "--verbose"], "--quiet: cannot be combined with --verbose"),
        (["missing.png"], "missing.png: there is no such file or folder"),
    ],
)
def test_a_wrong_command_is_one_line_and_exit_code_2(
    options: list[str], message: str, lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    result = lgbpn("denoise", make_photo("a.png"), *options)
    assert result.exit_code == 2
    [line] = result.stderr.splitlines()
    assert line.startswith(f"lgbpn: {message}")
    assert set(contents(tmp_path)) == {"a.png"}


@pytest.mark.parametrize("arguments", [["--strength", "much"], ["--nonsense"], []])
def test_options_that_cannot_be_parsed_end_with_exit_code_2(arguments: list[str], lgbpn: Lgbpn) -> None:
    assert lgbpn("denoise", *arguments).exit_code == 2


def test_a_folder_without_photos_is_no_error(lgbpn: Lgbpn, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    result = lgbpn("denoise", tmp_path)
    assert result.exit_code == 0
    assert "no photos to denoise were found" in result.stderr
    assert "left out: 1 of other file types" in result.stderr


@pytest.mark.parametrize("options", [(), ("--strength", "0.5")], ids=["auto", "all is fixed but the preset"])
def test_without_its_noise_estimator_nothing_is_begun(
    lgbpn: Lgbpn,
    make_photo: MakePhoto,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
) -> None:
    def missing() -> CellLevels:
        raise ModelError("the noise estimator", "its file x is missing", "Install again.")

    monkeypatch.setattr("lgbpn_cli.noise.estimator.cell_levels", missing)
    photo = make_photo("a.png")
    result = lgbpn("denoise", photo, *options)
    assert result.exit_code == 2
    assert "the noise estimator: its file x is missing" in result.stderr
    assert set(contents(tmp_path)) == {"a.png"}
    assert lgbpn("denoise", photo, "--strength", "0.5", "--preset", "sidd").exit_code == 0
