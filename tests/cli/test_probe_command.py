"""`lgbpn probe`, the real command on real photos and on made ones."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_photos import Lgbpn
from typer.testing import CliRunner
from warm_processes import run_lgbpn_cli

from lgbpn_cli.cli.main import app
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.reading_process import ReadingProcess
from lgbpn_cli.photos.record import read_record


def probe(*arguments: object) -> subprocess.CompletedProcess[str]:
    return run_lgbpn_cli("probe", *arguments)


def noisy_photo(path: Path, level_8bit: float, *, iso: int = 0) -> Path:
    random = np.random.default_rng(7)
    pixels = 120 + random.normal(0, level_8bit, (200, 240, 3))
    exif = Image.Exif()
    if iso:
        exif[271], exif[272] = "Canon", "Canon EOS 5D"
        exif.get_ifd(0x8769)[34855] = iso
    Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8)).save(path, exif=exif)
    return path


def test_the_level_is_said_in_numbers_and_words(tmp_path: Path) -> None:
    result = probe(noisy_photo(tmp_path / "a.png", 12))
    assert result.returncode == 0
    assert "Strong noise: 1" in result.stdout
    assert "as fine as single pixels" in result.stdout
    assert "--preset dnd" in result.stdout


def test_photos_are_summed_up_by_camera_and_iso(tmp_path: Path) -> None:
    for name, iso in (("a.png", 800), ("b.png", 800), ("c.png", 3200)):
        noisy_photo(tmp_path / name, iso / 200, iso=iso)
    text = probe(tmp_path, "--json").stdout
    assert "`" not in text  # advice names flags, as the command's user gives them
    document = json.loads(text)
    groups = [(group["camera"], group["iso"], group["photos"]) for group in document["groups"]]
    assert groups == [("Canon EOS 5D", 800, 2), ("Canon EOS 5D", 3200, 1)]
    assert [group["level_8bit"][0] for group in document["groups"]] == pytest.approx([4, 16], rel=0.15)
    assert len(document["photos"][0]["correlation"]) == 13


def test_in_words_a_photo_by_itself_is_summed_up_once(tmp_path: Path) -> None:
    for name, iso in (("a.png", 800), ("b.png", 800), ("c.png", 3200)):
        noisy_photo(tmp_path / name, iso / 200, iso=iso)
    said = probe(tmp_path).stdout
    assert "2 photos: Canon EOS 5D, ISO 800" in said
    assert said.count("ISO 3200") == 1


def test_a_clean_photo_is_to_be_left_alone(tmp_path: Path) -> None:
    assert "Leave it as it is" in probe(noisy_photo(tmp_path / "a.png", 0)).stdout


def test_the_plot_is_drawn(tmp_path: Path) -> None:
    result = probe(noisy_photo(tmp_path / "a.png", 5), "--plot", tmp_path / "noise.png")
    assert result.returncode == 0
    with Image.open(tmp_path / "noise.png") as drawn:
        assert min(drawn.size) > 300
        assert len(np.unique(np.asarray(drawn).reshape(-1, 3), axis=0)) > 4


def test_a_broken_photo_is_named_and_the_others_are_measured(tmp_path: Path) -> None:
    noisy_photo(tmp_path / "a.png", 5)
    (tmp_path / "b.jpg").write_bytes(b"\xff\xd8no photo")
    result = probe(tmp_path)
    assert result.returncode == 1
    assert "b.jpg" in result.stderr
    assert "Traceback" not in result.stderr
    assert "a.png" in result.stdout


def test_a_photo_too_small_to_measure_is_not_called_clean(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(128, 20, (12, 200, 3)).clip(0, 255).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    noisy_photo(tmp_path / "b.png", 12)
    said = probe(tmp_path)
    assert said.returncode == 0
    assert "a.png: too small to measure" in said.stderr
    assert "a.png" not in said.stdout
    document = json.loads(probe(tmp_path, "--json").stdout)
    assert document["too_small"] == [str(tmp_path / "a.png")]
    assert [group["photos"] for group in document["groups"]] == [1]
    assert document["groups"][0]["level_8bit"][0] == pytest.approx(12, rel=0.15)


def test_odd_names_do_not_reach_the_terminal(tmp_path: Path) -> None:
    noisy_photo(tmp_path / "a\x1b[31m\nb.png", 5)
    (tmp_path / "c\x1b[31m.png").write_bytes(b"no photo")
    result = probe(tmp_path)
    assert "\x1b" not in result.stdout + result.stderr
    assert "a\\x1b[31m\\nb.png" in result.stdout
    assert result.returncode == 1


def test_ctrl_c_prints_what_was_measured_by_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.png", "b.png", "c.png"):
        noisy_photo(tmp_path / name, 5)

    def interrupted_at_c(reading: ReadingProcess, path: Path, *_: object, **__: object) -> Photo:
        if path.name == "c.png":
            raise KeyboardInterrupt
        return read_photo(path)

    monkeypatch.setattr(ReadingProcess, "call", interrupted_at_c)
    result = CliRunner().invoke(app, ["probe", str(tmp_path), "--json"])
    assert result.exit_code == 130
    document = json.loads(result.stdout)
    assert document["interrupted"] is True
    assert [Path(photo["path"]).name for photo in document["photos"]] == ["a.png", "b.png"]
    assert "stopped; 2 measured" in result.stderr


def test_what_one_photo_does_to_a_library_leaves_the_others_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.png", "b.png"):
        noisy_photo(tmp_path / name, 5)

    def fails_at_a(reading: ReadingProcess, path: Path, *_: object, **__: object) -> Photo:
        if path.name == "a.png":
            raise RuntimeError("out of luck")
        return read_photo(path)

    monkeypatch.setattr(ReadingProcess, "call", fails_at_a)
    result = CliRunner().invoke(app, ["probe", str(tmp_path)])
    assert result.exit_code == 1
    assert "a.png: unexpected RuntimeError: out of luck" in result.stderr
    assert "b.png" in result.stdout


@pytest.mark.parametrize("plot", ["noise.jpg", "missing/noise.png"])
def test_a_plot_that_cannot_be_written_is_refused_first(tmp_path: Path, plot: str) -> None:
    result = probe(noisy_photo(tmp_path / "a.png", 5), "--plot", tmp_path / plot)
    assert (result.returncode, result.stdout) == (2, "")
    assert "--plot" in result.stderr


def test_a_missing_input_is_wrong_usage(tmp_path: Path) -> None:
    assert probe(tmp_path / "none.jpg").returncode == 2


def test_cameras_name_themselves(data_root: Path) -> None:
    folder = data_root / "phone-highiso"
    document = json.loads(probe(folder, "--json").stdout)
    shots = {(photo["camera"], photo["iso"]) for photo in document["photos"]}
    assert {("Canon EOS 5D Mark III", 1000), ("Canon PowerShot SX60 HS", 1000)} <= shots


def test_what_was_measured_is_a_preset(tmp_path: Path, lgbpn: Lgbpn) -> None:
    """Two photos of fine noise and one of coarse noise; all others are then denoised as fine ones."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("a.png", "b.png"):
        noisy_photo(photos / name, 12)
    Image.open(photos / "a.png").resize((480, 400)).save(photos / "coarse.png")
    measured = tmp_path / "noise.json"
    measured.write_text(probe(photos, "--json").stdout)
    assert sorted(each["preset"] for each in json.loads(measured.read_text())["photos"]) == [
        "dnd",
        "dnd",
        "sidd",
    ]
    result = lgbpn("denoise", photos / "coarse.png", "--quality", "teacher", "--preset", measured)
    assert result.exit_code == 0
    record = read_record(photos / "coarse_denoised.png")
    assert record is not None
    assert json.loads(record.settings)["preset"] == "dnd"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        ("no JSON", "is not a measurement of photos"),
        ("[1, 2]", "is not a measurement of photos"),
        ('{"photos": []}', "contains no photos"),
        ('{"photos": [{"preset": "strange"}]}', "contains no photos"),
    ],
)
def test_a_file_of_something_else_is_no_preset(
    tmp_path: Path, lgbpn: Lgbpn, content: str | None, words: str
) -> None:
    photo, measured = noisy_photo(tmp_path / "a.png", 12), tmp_path / "noise.json"
    if content is not None:
        measured.write_text(content)
    result = lgbpn("denoise", photo, "--quality", "teacher", "--preset", measured)
    assert result.exit_code == 2
    assert f"--preset {measured}: {words}" in result.stderr


def test_only_and_exclude_choose_by_name(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "b_small.png"):
        noisy_photo(tmp_path / name, 4)
    document = json.loads(probe(tmp_path, "--json", "--only", "b*", "--exclude", "*_small").stdout)
    assert [Path(photo["path"]).name for photo in document["photos"]] == ["b.png"]
