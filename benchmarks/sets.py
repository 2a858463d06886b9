"""The pictures that benchmarks measure on: data sets below LGBPN_DATA, and what recipes keep out of them."""

from __future__ import annotations

from pathlib import Path

from lgbpn_cli.training.recipe import data_root, read_distillation_recipe

RECIPE = Path(__file__).parents[1] / "recipes" / "student.toml"
"""What it excludes, every recipe does (tests/training/test_recipe.py)."""
REAL_PAIRS = ("sidd-val-odd", "renoir-even", "polyu")
"""Sets of photos with references; all of polyu is kept out of training."""


def patterns_kept_out(folder: str) -> tuple[str, ...]:
    """Return the patterns of the files in a folder of the data sets that no network was trained on."""
    return next(each.exclude for each in read_distillation_recipe(RECIPE).sources if each.folder == folder)


def files_kept_out(folder: str) -> list[Path]:
    """Return the files in a folder of the data sets that no network was trained on, sorted."""
    return sorted(
        path for pattern in patterns_kept_out(folder) for path in (data_root() / folder).glob(pattern)
    )


def references_kept_out(name: str) -> list[Path]:
    """Return the references of a set's photos that no network was trained on, sorted."""
    return sorted(
        path
        for pattern in patterns_kept_out(f"{name}/noisy")
        for path in (data_root() / name / "reference").glob(pattern)
    )


def shape_of(megapixels: float) -> tuple[int, int]:
    """Return height and width of a photo of that size, 3 : 2."""
    height = round((megapixels * 1e6 / 1.5) ** 0.5)
    return height, round(1.5 * height)
