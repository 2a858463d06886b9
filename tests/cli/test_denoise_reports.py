"""What `lgbpn denoise` says, to people and to programs."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from PIL import Image
from small_photos import Lgbpn, MakePhoto, contents, negative_of, pixels_of

from lgbpn_cli.config import InferenceConfig, OutputConfig


def test_a_dry_run_writes_nothing_and_estimates_the_time(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_photo("one/a.png", (1000, 500))
    make_photo("two/a.png", (1000, 500))
    monkeypatch.setenv("FAKE_SECONDS_PER_TILE", "0.05")
    before = contents(tmp_path)
    start = time.perf_counter()
    result = lgbpn("denoise", tmp_path / "one", tmp_path / "two", "-n", "--json", "-o", tmp_path / "out")
    elapsed = time.perf_counter() - start
    assert result.exit_code == 0
    assert contents(tmp_path) == before
    assert not (tmp_path / "out").exists()
    assert "dry run: 2 photos would be denoised, 1.0 megapixels, about " in result.stderr
    assert "(renamed: another photo's result has the plain name)" in result.stderr
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["status"] for row in rows] == ["planned", "planned"]
    # The fake network takes a megabyte; photo and result, of 16 bits while it is changed, are in memory, too.
    assert all(1_000_000 + 500_000 * 3 * (1 + 2) <= row["memory_bytes"] < 9_000_000 for row in rows)
    assert "a.png (0.5 megapixels, about 7 MB of memory)" in result.stderr
    assert [Path(row["target"]).name for row in rows] == ["a.png", "a.png.png"]
    # One tile of 256 px takes 0.05 s; half a megapixel is 7.6 of them.
    assert 7.6 * 0.05 <= rows[0]["seconds"] <= 7.6 * elapsed


def test_a_dry_run_names_photos_that_would_fail(lgbpn: Lgbpn, make_photo: MakePhoto) -> None:
    folder = make_photo("a.png", (100, 50)).parent
    Image.new("L", (9000, 8000)).save(folder / "b.png")
    Image.new("CMYK", (100, 50)).save(folder / "c.jpg")
    (folder / "d.jpg").touch()
    result = lgbpn("denoise", folder, "-n", "--json", "--max-memory", "310MB")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 1
    assert [row["status"] for row in rows] == ["planned", "failed", "failed", "failed"]
    assert "b.png: reading its 72 megapixels needs about" in rows[1]["error"]
    assert "c.jpg: a JPEG with CMYK colours" in rows[2]["error"]
    assert "d.jpg: the file is empty" in rows[3]["error"]
    assert "1 photo would be denoised" in result.stderr


def test_a_dry_run_counts_the_passes_of_the_best_quality(
    lgbpn: Lgbpn, make_photo: MakePhoto, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = make_photo("a.png", (1000, 500))
    monkeypatch.setenv("FAKE_SECONDS_PER_TILE", "0.05")
    seconds = [
        json.loads(lgbpn("denoise", photo, "-n", "--json", "--quality", quality).stdout)["seconds"]
        for quality in ("teacher", "teacher-r3")
    ]
    passes = 1 + InferenceConfig.refine_passes
    assert seconds[1] / seconds[0] == pytest.approx(passes, rel=0.5)


def test_json_is_one_line_a_photo_and_nothing_else_on_stdout(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    photo = make_photo("a.png", (100, 50))
    make_photo("b.png")
    lgbpn("denoise", tmp_path / "b.png")
    (tmp_path / "c.png").write_bytes(b"")
    result = lgbpn("denoise", tmp_path, "--json", "--seed", "3")
    assert result.exit_code == 1
    rows = {Path(row["source"]).name: row for row in map(json.loads, result.stdout.splitlines())}
    done = rows["a.png"]
    assert done.pop("seconds") >= 0
    before, after = pixels_of(photo), negative_of(photo)
    expected = after.mean((0, 1)) - before.mean((0, 1))
    assert done.pop("colour_shift_levels") == pytest.approx(expected.tolist(), abs=1e-3)
    assert done == {
        "source": str(photo),
        "target": str(tmp_path / "a_denoised.png"),
        "status": "done",
        "megapixels": 0.005,
        "device": "cpu",
        "model": "fake",
        "seed": 3,
    }
    assert rows["b.png"]["status"] == "skipped"
    assert rows["c.png"]["status"] == "failed"
    assert "the file is empty" in rows["c.png"]["error"]
    assert set(rows) == {"a.png", "b.png", "c.png"}


def test_quiet_says_only_what_failed(lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path) -> None:
    make_photo("a.png")
    assert lgbpn("denoise", tmp_path, "--quiet").output == ""
    (tmp_path / "b.png").write_bytes(b"")
    result = lgbpn("denoise", tmp_path, "-q")
    assert result.stdout == ""
    title, line = result.stderr.splitlines()
    assert title == "lgbpn: 1 photo failed:"
    assert line.startswith(f"  {tmp_path / 'b.png'}: the file is empty")


def test_the_device_is_explained_once(lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path) -> None:
    make_photo("a.png")
    make_photo("b.png")
    assert lgbpn("denoise", tmp_path).stderr.count("no GPU found: running on the CPU") == 1
    assert "no GPU" not in lgbpn("denoise", tmp_path, "--overwrite", "--device", "cpu").stderr


def test_verbose_shows_model_device_and_settings(lgbpn: Lgbpn, make_photo: MakePhoto) -> None:
    photo = make_photo("a.png")
    result = lgbpn("denoise", photo, "--verbose")
    assert "model fake on CPU (2 threads)" in result.stderr
    for setting in ('"preset":"auto"', "plan: in no time"):
        assert setting in result.stderr
        assert setting not in lgbpn("denoise", photo, "--overwrite").stderr


def test_verbose_shows_the_colour_shift(lgbpn: Lgbpn, make_photo: MakePhoto) -> None:
    photo = make_photo("a.png")
    lines = lgbpn("denoise", photo, "-v", "--strength", 0).stderr.splitlines()
    assert any(line.endswith(", mean colour shift +0.00 +0.00 +0.00 of 255 levels)") for line in lines)


def test_off_a_terminal_each_photo_is_one_line(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = [make_photo(name) for name in ("a.png", "b.png")]
    lines = lgbpn("denoise", tmp_path).stderr.splitlines()
    for photo in photos:
        assert sum(line.startswith(f"{photo} -> ") for line in lines) == 1
    assert lines[-1].endswith(f", see {tmp_path}")
    monkeypatch.chdir(tmp_path)
    assert lgbpn("denoise", "a.png", "-o", "c.png").stderr.splitlines()[-1].endswith(", see this folder")


def test_off_a_terminal_a_long_photo_gives_a_sign_of_life(
    lgbpn: Lgbpn, make_photo: MakePhoto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lgbpn_cli.cli.heartbeat.EVERY_S", 0.05)
    monkeypatch.setenv("FAKE_SECONDS_PER_TILE", "0.15")
    photo = make_photo("a.png", (64, 256))
    lines = lgbpn("denoise", photo, "--tile", 64).stderr.splitlines()
    signs = [line for line in lines if line.startswith("0 of 1 photo done; a.png: 0.")]
    assert len(signs) >= 4
    assert any(", 2 of 4 tiles, about 0." in line and line.endswith(" s left") for line in signs)
    assert lgbpn("denoise", photo, "--overwrite", "--tile", 64, "-q").stderr == ""
    assert lines[-1].startswith("1 photo denoised")


def test_a_file_name_cannot_command_the_terminal(lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path) -> None:
    make_photo("a\n\x1b[31m.png")
    result = lgbpn("denoise", tmp_path)
    assert result.exit_code == 0
    assert "\x1b" not in result.stderr
    assert "a\\n\\x1b[31m.png -> " in result.stderr


def test_a_file_name_that_is_no_text_is_no_obstacle(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    try:
        make_photo(os.fsdecode(b"\xff.png"))
    except OSError:
        pytest.skip("this file system takes only names that are text")
    result = lgbpn("denoise", tmp_path, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["source"] == str(tmp_path / os.fsdecode(b"\xff.png"))


def test_the_help_documents_every_option_with_the_default_of_its_setting(lgbpn: Lgbpn) -> None:
    lines = lgbpn("denoise", "--help").stdout.partition("Basic:")[2]
    text = " ".join(lines.split())
    for option, default in {
        "-o, --output": "(beside each photo)",
        "--suffix": OutputConfig.suffix,
        "-m, --model": "(the model this version ships)",
        "--quality": "(fast; teacher for a model without a student)",
        "--preset": "auto",
        "--strength": "(auto)",
        "--luma": "(as --strength)",
        "--chroma": "(as --strength)",
        "--seed": InferenceConfig.seed,
        "--tile": "(as large as memory allows, up to a useful size)",
        "--halo": "(enough that they do not show)",
        "--max-memory": "(what is free)",
        "--precision": InferenceConfig.precision,
        "-d, --device": "auto",
    }.items():
        # Where a line begins with it: the help of other options names it, too.
        after = " ".join(lines.partition(f"\n  {option} ")[2].split())
        shown = after.partition("[default: ")[2].partition("]")[0]
        assert shown.strip("()") == str(default).strip("()")  # some versions of typer put words into brackets
    for flag in ("-r, --recursive", "--overwrite", "-n, --dry-run", "-q, --quiet", "-v, --verbose", "--json"):
        assert f"{flag} " in text
    assert "lgbpn denoise photos/ -r -o denoised/" in lgbpn("denoise", "--help").stdout
