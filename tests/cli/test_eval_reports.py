"""The files that `lgbpn eval` writes: --csv and --html."""

from __future__ import annotations

import csv
import errno
import json
from pathlib import Path

import pytest
from small_photos import Lgbpn, MakePhoto, pixels_of, psnr


def test_the_csv_holds_each_photo_below_its_origin(
    lgbpn: Lgbpn, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    lgbpn("eval", *folders, "--csv", tmp_path / "figures.csv")
    lines = (tmp_path / "figures.csv").read_text().splitlines()
    comments = [line for line in lines if line.startswith("#")]
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    assert comments[0].startswith("# command: lgbpn eval ")
    assert any("sum of fake teacher" in line for line in comments)
    assert [(row["method"], row["photo"]) for row in rows[3:]] == [
        ("fake teacher auto", name) for name in "abc"
    ]
    noisy, clean = (pixels_of(folder / "a.png") for folder in folders)
    assert float(rows[0]["psnr_db"]) == pytest.approx(psnr(noisy, clean), abs=5e-5)


def test_the_page_holds_pictures_and_figures(
    lgbpn: Lgbpn, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    result = lgbpn("eval", *folders, "--html", tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text("utf-8")
    assert result.exit_code == 0
    assert page.count("data:image/jpeg;base64,") == 9
    assert "http://www.w3.org/2000/svg" in page
    assert page.count("http") == 1


def test_the_page_keeps_its_size(lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path) -> None:
    for folder in ("n", "r"):
        make_photo(f"{folder}/a.png", (400, 400))
    lgbpn("eval", tmp_path / "n", tmp_path / "r", "--html", tmp_path / "small.html", "--report-size", "0.1")
    lgbpn("eval", tmp_path / "n", tmp_path / "r", "--html", tmp_path / "large.html")
    small, large = (len((tmp_path / name).read_bytes()) for name in ("small.html", "large.html"))
    assert small < 100_000 + 40_000 < large


@pytest.mark.parametrize(("option", "name"), [("--csv", "figures.csv"), ("--html", "page.html")])
def test_a_report_that_fails_to_be_written_costs_no_figures(
    option: str,
    name: str,
    lgbpn: Lgbpn,
    folders: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def disk_full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("lgbpn_cli.evaluation.report.files.replace_file", disk_full)
    result = lgbpn("eval", *folders, option, tmp_path / name, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["photos"] == 3
    assert f"lgbpn: {option}: " in result.stderr
    assert "No space left on device" in result.stderr
    assert f"report: {tmp_path / name}" not in result.stderr


def test_the_page_links_whole_files_from_where_it_lies(
    lgbpn: Lgbpn, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    lgbpn("eval", *folders, "--html", tmp_path / "deep" / "report.html")
    page = (tmp_path / "deep" / "report.html").read_text("utf-8")
    assert '"noisy": "../noisy/a.png"' in page
    assert '"reference": "../clean/a.png"' in page


@pytest.mark.parametrize(("option", "name"), [("--csv", "figures.csv"), ("--html", "page.html")])
def test_a_report_that_cannot_be_written_is_refused_before_anything_is_measured(
    option: str, name: str, lgbpn: Lgbpn, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "lgbpn_cli.evaluation.measurements.evaluate_pairs",
        lambda *arguments, **options: pytest.fail("measured"),
    )
    result = lgbpn("eval", *folders, option, folders[0] / "a.png" / name)
    assert result.exit_code == 2
    assert option in result.stderr
