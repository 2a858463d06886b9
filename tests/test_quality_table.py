"""The table of quality in docs/results.md: how its script makes it, and that it is about the weights that ship."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lgbpn_cli.config import PART_OF_QUALITY
from lgbpn_cli.models.manifest import read_manifest

BEGIN = "<!-- table of quality, written by benchmarks/measure_quality.py -->"
BEGIN_SHORT = "<!-- short table of quality, written by benchmarks/measure_quality.py -->"
END = "<!-- end of the table of quality -->"
NAMES = ("02", "34")
"""One photo of each of RENOIR's two groups; the second is kept out of training."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set with the layout of renoir-even."""
    root = tmp_path_factory.mktemp("data")
    generator = np.random.default_rng(0)
    for kind, sigma in (("noisy", 20), ("reference", 0)):
        (root / "renoir-even" / kind).mkdir(parents=True)
        for name in NAMES:
            pixels = 120 + sigma * generator.normal(size=(64, 64, 3))
            Image.fromarray(pixels.astype(np.uint8)).save(root / "renoir-even" / kind / f"{name}.png")
    return root


def measure(repo_root: Path, data: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    script = repo_root / "benchmarks" / "measure_quality.py"
    return subprocess.run(
        [sys.executable, str(script), "--set", "renoir-even", *map(str, arguments)],
        env={**os.environ, "LGBPN_DATA": str(data), "PYTHONPATH": str(repo_root)},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_what_is_printed_takes_the_place_between_the_marks(
    repo_root: Path, data: Path, tmp_path: Path
) -> None:
    file = tmp_path / "page.md"
    file.write_text(f"before\n\n{BEGIN}\n\nold table\n\n{END}\n\nafter\n")
    done = measure(repo_root, data, "--quality", "fast", "--write", file)
    assert done.returncode == 0, done.stderr
    assert file.read_text() == f"before\n\n{BEGIN}\n\n{done.stdout.strip()}\n\n{END}\n\nafter\n"

    titles, *rows = rows_of(done.stdout)
    found = [(row[0], row[1], row[2], row[titles.index("command")]) for row in rows]
    kept_out, trained_on = (
        "RENOIR photos never trained on",
        "RENOIR photos whose noisy halves were trained on",
    )
    assert found == [
        (title, method, number, command)
        for title, number, command in (
            (kept_out, "1", "1"),
            (trained_on, "1", "2"),
            ("all RENOIR photos", "2", "1 and 2"),
        )
        for method in ("noisy", "lgbpn-base fast")
    ]
    assert "1. `lgbpn eval renoir-even/noisy renoir-even/reference --only 34" in done.stdout
    assert "lgbpn-base fast (SHA-256 " in done.stdout


def test_a_file_without_marks_is_refused_before_anything_is_measured(
    repo_root: Path, data: Path, tmp_path: Path
) -> None:
    file = tmp_path / "page.md"
    file.write_text("no marks\n")
    done = measure(repo_root, data, "--write", file)
    assert done.returncode == 1
    assert BEGIN in done.stderr
    assert "lgbpn eval" not in done.stderr
    assert file.read_text() == "no marks\n"


def test_the_short_table_has_the_photos_kept_out_alone(repo_root: Path, data: Path, tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text(f"before\n\n{BEGIN_SHORT}\n\n{END}\n\nafter\n")
    done = measure(repo_root, data, "--quality", "fast", "--write", file)
    assert done.returncode == 0, done.stderr
    long_table = rows_of(done.stdout)
    noisy, fast = (row[3] for row in long_table if row[0] == "RENOIR photos never trained on")
    assert rows_of(file.read_text()) == [
        ["photos kept out of training", "noisy, dB", "lgbpn-base fast, dB"],
        ["RENOIR, three cameras (1)", noisy, fast],
    ]


@pytest.mark.parametrize("page", ["README.md", "weights/lgbpn-base.md"])
def test_the_short_tables_have_the_figures_of_the_long_one(repo_root: Path, page: str) -> None:
    long_table = rows_of(table_in(repo_root / "docs" / "results.md", BEGIN))
    kept_out = [row[3] for row in long_table if "never trained on" in row[0]]
    _, *rows = rows_of(table_in(repo_root / page, BEGIN_SHORT))
    assert len(rows) == 3
    assert [figure for row in rows for figure in row[1:]] == kept_out


def test_the_figures_are_those_of_the_weights_that_ship(repo_root: Path) -> None:
    measured = re.findall(
        r"lgbpn-base (\S+) \(SHA-256 (\w+)\)", table_in(repo_root / "docs" / "results.md", BEGIN)
    )
    parts = read_manifest(repo_root / "weights")["lgbpn-base"].parts
    assert measured
    for quality, sha256 in measured:
        assert parts[PART_OF_QUALITY[quality]].sha256 == sha256, quality


def table_in(page: Path, mark: str) -> str:
    """The text between the marks of a page."""
    _, begin, rest = page.read_text("utf-8").partition(mark)
    table, end, _ = rest.partition(END)
    assert begin
    assert end
    return table


def rows_of(text: str) -> list[list[str]]:
    """The cells of a table, its heading first."""
    return [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
