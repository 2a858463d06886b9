"""How a model does on what it was not taught: other colours, other noise, texture without noise, text, stars.

    python benchmarks/generality.py [--model NAME|FILE ...] [--quality fast] [--strength auto] [--quick]
    python benchmarks/generality.py --model runs/ninth-student.safetensors --model lgbpn-base --write docs/results.md

All photos are kept out of training (`exclude` in recipes/student.toml). Rows:

- lenses: real pairs with their channels exchanged or inverted, or their hue turned, cleaned, and put back; in dB,
  against as they were taken;
- made noise: noise of one colour and grain size on flat places of photos; the share of it that is left there;
- cube: even patches of 512 colours; how many keep more than half of the noise, are worse than noisy, or lose their
  mean;
- texture: crops without noise, and with 2 levels; PSNR of what comes back, and the gain;
- low ISO: the middles of photos with weak noise, and the same in grey; the gain;
- flats: the flattest places of photos, at noise of 5, 8 and 12 levels; the share left;
- patches: noise that is even all over a photo; the worst flat square of 32 px against the median one;
- stars and a page of text under noise; in dB, and how much of the stars' light stays.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from result_tables import as_table, write_between_marks
from sets import data_root, files_kept_out, references_kept_out

import lgbpn_cli
from lgbpn_cli.denoise.working import to_working
from lgbpn_cli.models.load import Model
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.training.noise.camera import blur
from lgbpn_cli.training.pictures.drawn_scenes import stars, text
from lgbpn_cli.training.pictures.other_colours import hue_turn

Picture = NDArray[np.float32]
Clean = Callable[[Picture], Picture]
Figures = dict[str, float]

BEGIN = "<!-- table of generality, written by benchmarks/generality.py -->"
END = "<!-- end of the table of generality -->"
SIDE_PX = 384
CELL_PX = 16
FLAT_LEVELS = 1.5
"""A cell whose picture deviates by less, in levels, is flat."""
SQUARE_PX = 32
FEWEST_SQUARES = 20
"""Flat ones that a flat place has."""
PERMUTATIONS = {"RBG": (0, 2, 1), "GRB": (1, 0, 2), "GBR": (1, 2, 0), "BRG": (2, 0, 1), "BGR": (2, 1, 0)}
LENSES = {
    "as taken": np.eye(3, dtype=np.float32),
    **{name: np.eye(3, dtype=np.float32)[list(order)] for name, order in PERMUTATIONS.items()},
    "inverted": -np.eye(3, dtype=np.float32),
    "hue 180": hue_turn(math.pi),
}
"""Matrices (3, 3) from a photo's colours to those it is cleaned in."""
COLOURS = {
    "independent": np.eye(3),
    "red against blue": np.array([[1, 0, 0], [0, 0, 0], [-1, 0, 0]]),
    "green alone": np.diag([0, 1, 0]),
    "half alike": 0.6 * np.eye(3) + 0.4,
    "alike": np.array([[1, 0, 0], [1, 0, 0], [1, 0, 0]]),
    "colour alone": np.eye(3) - 1 / 3,
}
"""What makes noise of each kind from three independent ones, up to its strength."""
BLURS_PX = (0.0, 0.6, 1.2)
MADE_LEVELS = 12.0
CUBE_LEVELS = (6, 12, 20)
FLAT_NOISES = (5, 8, 12)
LOW_ISO_NOISES = (1.5, 3)
GREY = np.full((3, 3), 1 / 3, np.float32)


def in_levels(picture: Picture) -> Picture:
    """Return a picture as an 8-bit file holds it, 0..1."""
    return np.asarray(np.rint(255 * np.clip(picture, 0, 1)) / np.float32(255), np.float32)


def psnr(answer: Picture, truth: Picture) -> float:
    error = in_levels(answer) - in_levels(truth)
    return 10 * math.log10(1 / max(1e-10, float(np.square(error, dtype=np.float64).mean())))


def noise_like(
    shape: tuple[int, ...], mix: NDArray[np.floating], blur_px: float, levels: float, seed: int
) -> Picture:
    """Return noise of that colour and blur, with that deviation over its channels, in levels, in 0..1."""
    random = np.random.default_rng(seed)
    noise = blur(random.standard_normal(shape, np.float32) @ mix.T.astype(np.float32), blur_px)
    return np.asarray(noise * np.float32(levels / 255 / noise.std()), np.float32)


def cells(picture: Picture, side: int) -> Picture:
    """Return a picture (h, w, 3) in squares (n, side * side, 3)."""
    height, width = (each // side * side for each in picture.shape[:2])
    cut = picture[:height, :width].reshape(height // side, side, width // side, side, 3)
    return cut.transpose(0, 2, 1, 3, 4).reshape(-1, side * side, 3)


def flat_cells(truth: Picture, side: int) -> NDArray[np.bool_]:
    """Return which squares of a picture hold hardly any of it, and are not clipped."""
    squares = cells(truth, side)
    middle = squares.mean(axis=1)
    unclipped = ((middle > 30 / 255) & (middle < 225 / 255)).all(axis=1)
    return np.asarray((squares.std(axis=1).max(axis=1) < FLAT_LEVELS / 255) & unclipped)


def left_in(answer: Picture, noisy: Picture, truth: Picture, side: int, flats: NDArray[np.bool_]) -> Picture:
    """Return the deviation of what is left of the noise in flat squares, over that of the noise itself."""
    noise = cells(noisy - truth, side)[flats].reshape(-1, side * side * 3).std(axis=1)
    left = cells(answer - truth, side)[flats].reshape(-1, side * side * 3).std(axis=1)
    return np.asarray(left / noise, np.float32)


def crops(photos: list[Picture], count: int, order: Callable[[Picture], float]) -> list[Picture]:
    """Return the `count` squares of each photo that come first in that order."""
    found = []
    for photo in photos:
        step = SIDE_PX // 2
        places = [
            photo[top : top + SIDE_PX, left : left + SIDE_PX]
            for top in range(0, photo.shape[0] - SIDE_PX + 1, step)
            for left in range(0, photo.shape[1] - SIDE_PX + 1, step)
        ]
        found += sorted(places, key=order)[:count]
    return found


def texture_of(picture: Picture) -> float:
    """Return how much fine detail a picture has, in levels."""
    return 255 * float(np.median((picture - blur(np.ascontiguousarray(picture), 1.5)).std(axis=2)))


def flat_places(photos: list[Picture]) -> list[Picture]:
    """Return the flattest place of each photo that has one."""
    places = crops(photos, 1, lambda picture: -int(flat_cells(picture, SQUARE_PX).sum()))
    return [each for each in places if flat_cells(each, SQUARE_PX).sum() >= FEWEST_SQUARES]


def real_pairs(quick: bool) -> Iterator[tuple[Picture, Picture]]:
    for name, size in (("sidd-val-odd", 256), ("renoir-even", 384)):
        paths = references_kept_out(name)
        for path in paths[:: 16 if quick else 4 if name == "sidd-val-odd" else 1]:
            noisy_path = data_root() / name / "noisy" / path.name
            noisy, truth = (to_working(read_photo(each)) for each in (noisy_path, path))
            yield noisy[:size, :size], truth[:size, :size]


def through(picture: Picture, matrix: Picture, *, back: bool = False) -> Picture:
    """Return a picture in the colours behind a lens, or put back into its own."""
    turned = picture @ (np.linalg.inv(matrix) if back else matrix).T
    return np.asarray(turned + (1 if matrix.sum() < 0 else 0), np.float32)


def lenses(clean: Clean, quick: bool) -> Figures:
    """Return the mean gain over real pairs as taken, and what it loses through each lens, in dB."""
    gains: dict[str, list[float]] = {name: [] for name in LENSES}
    for noisy, truth in real_pairs(quick):
        for name, matrix in LENSES.items():
            # What a lens carries out of the colours there are is lost for both.
            noisy_there, truth_there = (in_levels(through(each, matrix)) for each in (noisy, truth))
            answer = through(clean(noisy_there), matrix, back=True)
            before, target = (through(each, matrix, back=True) for each in (noisy_there, truth_there))
            gains[name].append(psnr(answer, target) - psnr(before, target))
    means = {name: float(np.mean(each)) for name, each in gains.items()}
    exchanged = float(np.mean([means[name] for name in PERMUTATIONS]))
    return {
        "lenses: gain as taken": means["as taken"],
        "lenses: exchanged against as taken": exchanged - means["as taken"],
        "lenses: worst exchange against as taken": min(means[name] for name in PERMUTATIONS)
        - means["as taken"],
        "lenses: inverted against as taken": means["inverted"] - means["as taken"],
        "lenses: hue 180, gain": means["hue 180"],
    }


def made(clean: Clean, photos: list[Picture], quick: bool) -> Figures:
    """Return the share of made noise that is left in flat places, for each kind, and the worst."""
    places = flat_places(photos)[: 2 if quick else 6]
    figures: Figures = {}
    for name, mix in COLOURS.items():
        for blur_px in BLURS_PX[1:] if quick else BLURS_PX:
            shares = []
            for seed, truth in enumerate(places):
                noisy = in_levels(truth + noise_like(truth.shape, mix, blur_px, MADE_LEVELS, seed))
                shares.append(left_in(clean(noisy), noisy, truth, CELL_PX, flat_cells(truth, CELL_PX)))
            figures[f"made: {name}, blurred {blur_px} px, left"] = float(np.concatenate(shares).mean())
    return figures | {"made: worst, left": max(figures.values())}


def cube(clean: Clean, quick: bool) -> Figures:
    """Return how many of 512 colours keep noise, get worse, or lose their mean."""
    steps = np.rint(np.linspace(0, 255, 8)) / 255
    side, rim = 64, 8
    figures: Figures = {}
    for levels in CUBE_LEVELS[1:2] if quick else CUBE_LEVELS:
        kept = worse = off = 0
        for blue in steps[::3] if quick else steps:
            colours = np.stack([*np.meshgrid(steps, steps, indexing="ij"), np.full((8, 8), blue)], axis=-1)
            truth = colours.repeat(side, 0).repeat(side, 1).astype(np.float32)
            noise = noise_like(truth.shape, np.eye(3), 0.6, levels, int(blue * 255))
            noisy = in_levels(truth + noise)
            answer = clean(noisy)
            inner = [
                each.reshape(8, side, 8, side, 3)
                .transpose(0, 2, 1, 3, 4)[:, :, rim:-rim, rim:-rim]
                .reshape(64, -1, 3)
                for each in (truth, noisy, answer)
            ]
            noise_left, noise_there = (
                (each - inner[0]).std(axis=1).max(axis=1) for each in (inner[2], inner[1])
            )
            error, error_there = (
                np.square(each - inner[0]).mean(axis=(1, 2)) for each in (inner[2], inner[1])
            )
            shift = 255 * np.abs((inner[2] - inner[0]).mean(axis=1)).max(axis=1)
            shift_there = 255 * np.abs((inner[1] - inner[0]).mean(axis=1)).max(axis=1)
            kept += int((noise_left > 0.5 * noise_there).sum())
            worse += int((error > error_there).sum())
            # Clipped noise has a mean of its own, which nothing in the photo tells.
            off += int(((shift > 2) & (shift > shift_there + 0.5)).sum())
        figures |= {
            f"cube, noise {levels}: colours with half of it left": kept,
            f"cube, noise {levels}: worse than noisy": worse,
            f"cube, noise {levels}: mean off by more than 2 levels": off,
        }
    return figures


def textures(clean: Clean, photos: list[Picture], quick: bool) -> Figures:
    """Return what becomes of texture without noise, and with hardly any."""
    places = crops(photos, 1 if quick else 2, lambda picture: -texture_of(picture))[: 3 if quick else 24]
    back, gains = [], []
    for seed, truth in enumerate(places):
        truth = in_levels(truth)
        back.append(min(60.0, psnr(clean(truth), truth)))
        noisy = in_levels(truth + noise_like(truth.shape, np.eye(3), 0, 2, seed))
        gains.append(psnr(clean(noisy), truth) - psnr(noisy, truth))
    return {
        "texture without noise: mean PSNR of what comes back (60 at most)": float(np.mean(back)),
        "texture without noise: worst": min(back),
        "texture, noise 2: gain": float(np.mean(gains)),
        "texture, noise 2: worst gain": min(gains),
    }


def low_iso(clean: Clean, photos: list[Picture], quick: bool) -> Figures:
    """Return what is gained on whole scenes with weak noise, in colour and in grey."""
    figures: Figures = {}
    for kind, colours in {"colour": np.eye(3, dtype=np.float32), "grey": GREY}.items():
        for levels in LOW_ISO_NOISES[1:] if quick else LOW_ISO_NOISES:
            gains = []
            for seed, photo in enumerate(photos[: 2 if quick else None]):
                top, left = ((length - SIDE_PX) // 2 for length in photo.shape[:2])
                truth = in_levels(photo[top : top + SIDE_PX, left : left + SIDE_PX] @ colours)
                mix = COLOURS["alike" if kind == "grey" else "independent"]
                noisy = in_levels(truth + noise_like(truth.shape, mix, 0.4, levels, seed))
                gains.append(psnr(clean(noisy), truth) - psnr(noisy, truth))
            figures[f"low ISO, {kind}, noise {levels}: gain"] = float(np.mean(gains))
            figures[f"low ISO, {kind}, noise {levels}: worst gain"] = min(gains)
    return figures


def flats(clean: Clean, photos: list[Picture], quick: bool) -> Figures:
    """Return the share of noise left in flat places, and how even what is left is."""
    places = flat_places(photos)[: 2 if quick else None]
    figures: Figures = {}
    for levels in FLAT_NOISES[1:2] if quick else FLAT_NOISES:
        shares, uneven = [], []
        for seed, truth in enumerate(places):
            noisy = in_levels(truth + noise_like(truth.shape, np.eye(3), 0.4, levels, seed))
            left = left_in(clean(noisy), noisy, truth, SQUARE_PX, flat_cells(truth, SQUARE_PX))
            shares.append(float(left.mean()))
            uneven.append(float(left.max() / max(0.02, float(np.median(left)))))
        figures |= {
            f"flats, noise {levels}: mean share left": float(np.mean(shares)),
            f"flats, noise {levels}: worst photo": max(shares),
            f"patches, noise {levels}: worst square over median, worst photo": max(uneven),
        }
    return figures


def drawn(clean: Clean) -> Figures:
    """Return the gain for stars and text, in dB, and the share of the stars' light that stays."""
    random = np.random.default_rng(7)
    sky, page = (np.clip(kind(SIDE_PX, random), 0, 1).astype(np.float32) for kind in (stars, text))
    figures: Figures = {}
    for name, truth in (("stars", in_levels(sky * np.float32(0.6))), ("text", in_levels(page))):
        noisy = in_levels(truth + noise_like(truth.shape, np.eye(3), 0.4, 12, 3))
        answer = clean(noisy)
        figures[f"{name}, noise 12: gain"] = psnr(answer, truth) - psnr(noisy, truth)
        if name == "stars":
            light = truth - blur(truth, 4.0)
            bright = light.max(axis=2) > 0.25
            there = (answer - blur(answer, 4.0))[bright].sum() / light[bright].sum()
            figures["stars, noise 12: share of their light that stays"] = float(there)
    return figures


def measure(clean: Clean, *, quick: bool = False) -> Figures:
    """Return all figures of a way to clean pictures (h, w, 3), 0..1."""
    photos = [to_working(read_photo(path)) for path in files_kept_out("photos")]
    return {
        **lenses(clean, quick),
        **made(clean, photos, quick),
        **cube(clean, quick),
        **textures(clean, photos, quick),
        **low_iso(clean, photos, quick),
        **flats(clean, photos, quick),
        **drawn(clean),
    }


def table_of(columns: dict[str, Figures]) -> str:
    """Return the figures as Markdown, a column for each model."""
    rows = [
        [name, *(f"{each[name]:.2f}" for each in columns.values())] for name in next(iter(columns.values()))
    ]
    return as_table([["", *columns], *rows])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", action="append", help="may be repeated: a column each")
    parser.add_argument("--quality")
    parser.add_argument("--strength", type=float, help="auto where it is not given")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", type=Path, help="replace the table between the marks there")
    asked = parser.parse_args()
    columns: dict[str, Figures] = {}
    for name in asked.model or [None]:
        model = lgbpn_cli.load_model(name, quality=asked.quality)

        def clean(picture: Picture, model: Model = model) -> Picture:
            levels = np.asarray(np.rint(255 * picture), np.uint8)
            answer = lgbpn_cli.denoise_image(
                levels, model=model, quality=asked.quality, strength=asked.strength
            )
            return np.asarray(answer.astype(np.float32) / np.float32(255))

        columns[f"{model.name} {model.sha256[:8]}"] = measure(clean, quick=asked.quick)
    table = table_of(columns)
    print(table)
    if asked.write:
        write_between_marks(asked.write, {BEGIN: table}, END)


if __name__ == "__main__":
    main()
