"""README's table of quality, made by its script on a few small photos with the shipped student."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

BEGIN = "<!-- table of quality: python benchmarks/measure_quality.py --write README.md -->"
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

    table = [line.strip("| ").split(" | ") for line in done.stdout.splitlines() if line.startswith("| ")]
    titles, *rows = table
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


def test_the_readme_has_a_place_for_the_table(repo_root: Path) -> None:
    _, begin, rest = (repo_root / "README.md").read_text("utf-8").partition(BEGIN)
    assert begin
    assert rest.count(END) == 1
