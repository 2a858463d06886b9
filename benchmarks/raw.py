"""What each way of denoising camera raw gives, how well its noise is measured, and whether every kind of DNG is right.

    python benchmarks/raw.py ways [--side 512] [--iso 1600 6400 25600 102400] [--blur 0 0.7] [--scenes 12] [--hot]
                                  [--model NAME|FILE] [--earlier FOLDER] [--json FILE] [--crops FOLDER]
    python benchmarks/raw.py noise [--megapixels 6] [--scenes 12] [--iso 1600 6400 25600 102400] [--hot] [--json FILE]
    python benchmarks/raw.py variants [--only WORD...] [--programs rawpy dcraw darktable rawtherapee] [--keep FOLDER]

`ways`: each scene, from a photograph that no network was trained on, is turned back into light, read out by a sensor
with the noise of a Canon 5D Mark IV (ELD, CVPR 2020) through the colours of a Nikon D500, and written as a DNG;
`lgbpn denoise` makes results of it on each path, LibRaw develops them, and they are compared with the scene, developed
alike. Printed are the mean PSNR of all scenes in dB and, in brackets, how far the mean colour of their darkest thirds
is off, in levels of 255, the worst of the colours. `--earlier` adds what an earlier version of the program makes of the
same files: FOLDER is its checkout, for instance by `git worktree add ../before 451c832`, the last one without a raw
network (its results are sheared below a side of 512). Pictures are looked for below LGBPN_DATA (default
../shared/data).

`noise`: how well the noise of such files is measured. Photographs are mirrored until they fill the frame; the variance
a x + b that `lgbpn probe` would tell is compared with the true one at the light of the frame's tenth, fiftieth and
ninetieth percentile: a frame counts as right when all three are within 20 per cent. The goal is 90 per cent of the
frames that have some flat area: in a twentieth of their patches the scene itself differs by less than a third of the
noise's deviation.

`variants`: see raw_variants.py. Exits with 1 where a result does not look like its source.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image
from raw_variants import PROGRAMS, print_variants
from result_tables import as_table
from sets import data_root, patterns_kept_out, shape_of
from synthetic_raw import (
    SensorNoise,
    camera_light,
    canon_5d4,
    developed,
    write_cfa_dng,
    write_linear_dng,
)

from lgbpn_cli import denoise_file, load_model
from lgbpn_cli.denoise.working import decode_light
from lgbpn_cli.models.load import Model
from lgbpn_cli.photos.raw.noise import measure_mosaic_noise
from lgbpn_cli.training.noise.camera import blur
from lgbpn_cli.training.raw.cameras import Sensor
from lgbpn_cli.training.raw.sensor import noisy_mosaic, spoil_sites

KEPT_OUT = patterns_kept_out("photos")
"""Photographs that no network was trained on."""
EXPOSURE = 0.8
HOT_SITES = 1 / 2500
DARKEST = 1 / 3
RGGB = np.array([[0, 1], [1, 2]], np.uint8)
PERCENTILES = (10, 50, 90)
TOLERANCE = 0.2
PATCH_SITES, FLAT, SOME_FLAT = 16, 0.1, 0.05
"""Side of patches; share of the noise's variance below which one is flat; share of flat ones that is some area."""
LENS_BLUR_PX = 0.7


Table = dict[str, dict[str, tuple[float, ...]]]
"""By way and scene: PSNR, and the shift of red, green and blue in the darkest third."""


@dataclass(frozen=True)
class Scene:
    """A scene's light in the camera's colours, (h, w, 3), white 1."""

    name: str
    light: np.ndarray


def scenes(side: int, blur_px: float, count: int) -> list[Scene]:
    """Return the middles of the photographs, as soft as behind a lens where `blur_px` is above zero."""
    found = []
    for name in KEPT_OUT[:count]:
        photo = np.asarray(Image.open(data_root() / "photos" / name).convert("RGB"))
        top, left = ((length - side) // 2 for length in photo.shape[:2])
        light = decode_light(photo[top : top + side, left : left + side].astype(np.float32) / 255)
        found.append(Scene(name, np.minimum(EXPOSURE * camera_light(blur(light, blur_px)), 1)))
    return found


WAYS: dict[str, tuple[str | None, str]] = {
    "noisy, AHD": (None, ".dng"),
    "developed, then denoised": ("demosaiced", ".tif"),
    "demosaiced": ("demosaiced", ".dng"),
    "mosaic": ("mosaic", ".dng"),
}
"""The ways by name: the raw path, and the ending of the results."""
EARLIER = "an earlier version"


def taken(scene: Scene, noise: SensorNoise, *, hot: bool) -> np.ndarray:
    """Return the mosaic of a scene, the same every time."""
    seed = zlib.crc32(f"{scene.name} {noise.iso}".encode())
    levels = np.tile([noise.shot, noise.read], (3, 1))
    random = np.random.default_rng(seed)
    mosaic = noisy_mosaic(scene.light, Sensor(levels, noise.tail, noise.row_sigma), random)
    if hot:
        spoil_sites(mosaic, HOT_SITES, random)
    return np.minimum(mosaic, 1)


def results(way: str, folder: Path, model: Model, earlier: Path | None = None) -> dict[str, np.ndarray]:
    """Return the developed result of each raw file in a folder, by its stem: (h, w, 3) uint16."""
    if earlier is not None and way == EARLIER:
        return earlier_results(earlier, folder)
    found = {}
    with tempfile.TemporaryDirectory() as made:
        for path in sorted(folder.glob("*.dng")):
            raw_path, ending = WAYS[way]
            target = Path(made) / f"{path.stem}{ending}"
            if raw_path is None:
                target = path
            else:
                denoise_file(path, target, model=model, raw_path=raw_path)
            found[path.stem] = tifffile.imread(target) if ending == ".tif" else developed(target)
    return found


def earlier_results(checkout: Path, folder: Path) -> dict[str, np.ndarray]:
    """Return what the program in a checkout makes of the raw files in a folder, developed, by their stem."""
    with tempfile.TemporaryDirectory() as made:
        subprocess.run(
            [sys.executable, "-m", "lgbpn_cli", "denoise", str(folder), "-o", made, "--quality", "fast"],
            env={**os.environ, "PYTHONPATH": str(checkout.resolve())},
            cwd=checkout,
            check=True,
            capture_output=True,
        )
        return {path.stem.removesuffix("_denoised"): developed(path) for path in Path(made).glob("*.dng")}


def psnr_db(result: np.ndarray, reference: np.ndarray) -> float:
    """Return the PSNR of two pictures of 16 bits."""
    error = (result.astype(np.float64) - reference).ravel() / 65535
    return float(-10 * np.log10(np.mean(error**2)))


def shadow_shift(result: np.ndarray, reference: np.ndarray) -> tuple[float, float, float]:
    """Return how far the mean colour of the darkest third is off, in levels of 255."""
    light = reference.astype(np.float64).sum(axis=2)
    dark = light <= np.quantile(light, DARKEST)
    red, green, blue = (result[dark].astype(np.float64) - reference[dark]).mean(axis=0) / 257
    return float(red), float(green), float(blue)


def measure(
    found: list[Scene],
    noise: SensorNoise,
    ways: list[str],
    *,
    model: str | None,
    hot: bool,
    crops: Path | None,
    earlier: Path | None = None,
) -> Table:
    """Return PSNR and shift of the shadows of each scene, by way and scene."""
    table: Table = {}
    with tempfile.TemporaryDirectory() as folder:
        references = {}
        for scene in found:
            path = Path(folder) / "clean.dng"
            write_linear_dng(path, scene.light)
            references[Path(scene.name).stem] = developed(path)
            path.unlink()
            target = Path(folder) / f"{Path(scene.name).stem}.dng"
            write_cfa_dng(target, taken(scene, noise, hot=hot), iso=noise.iso)
        for way in ways:
            made = results(way, Path(folder), model, earlier)
            table[way] = {
                name: (psnr_db(made[name], reference), *shadow_shift(made[name], reference))
                for name, reference in references.items()
            }
            if crops is not None:
                _save_crops(crops, way, noise.iso, made)
        if crops is not None:
            _save_crops(crops, "scene", noise.iso, references)
    return table


def _save_crops(folder: Path, way: str, iso: int, pictures: dict[str, np.ndarray]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, pixels in pictures.items():
        file = folder / f"{name}_{iso}_{way.replace(', ', '-').replace(' ', '-')}.png"
        Image.fromarray((pixels // 257).astype(np.uint8)).save(file)


def frame(name: str, megapixels: float) -> Scene:
    """Return a photograph as a scene of that size, 3 : 2, mirrored at its edges."""
    height = shape_of(megapixels)[0] // 2 * 2
    width = height * 3 // 4 * 2
    photo = np.asarray(Image.open(data_root() / "photos" / name).convert("RGB"))
    rows, columns = (
        np.abs((np.arange(length) + side) % (2 * side) - side).clip(0, side - 1)
        for length, side in ((height, photo.shape[0]), (width, photo.shape[1]))
    )
    light = decode_light(photo[rows][:, columns].astype(np.float32) / 255)
    return Scene(name, np.minimum(EXPOSURE * camera_light(blur(light, LENS_BLUR_PX)), 1))


def errors(scene: Scene, noise: SensorNoise, *, hot: bool) -> list[float] | None:
    """Return by which factor the measured variance is off, at three lights; None where nothing is measured."""
    measured = measure_mosaic_noise(taken(scene, noise, hot=hot), RGGB)
    if measured is None:
        return None
    lights = np.percentile(scene.light[..., 1], PERCENTILES)
    return [float(measured[1] @ (x, 1)) / (noise.shot * x + noise.read) for x in lights]


def flat_share(scene: Scene, noise: SensorNoise) -> float:
    """Return which share of a scene's patches of 16 x 16 green sites has next to no detail beside the noise."""
    green = scene.light[::2, 1::2, 1]
    rows, columns = (side // PATCH_SITES for side in green.shape)
    patches = green[: rows * PATCH_SITES, : columns * PATCH_SITES].reshape(
        rows, PATCH_SITES, columns, PATCH_SITES
    )
    detail = np.diff(np.diff(patches, 2, axis=1), 2, axis=3)  # brightness and gradients taken away
    variance = np.square(detail).mean(axis=(1, 3)) / 36  # of which white noise of variance 1 has 36
    return float((variance < FLAT * (noise.shot * patches.mean(axis=(1, 3)) + noise.read)).mean())


def measure_noise(asked: argparse.Namespace) -> dict[str, list[float] | None]:
    """Print a line a frame, and the share of the frames that are right; return what was found for each."""
    found: dict[str, list[float] | None] = {}
    judged: dict[bool, list[bool]] = {True: [], False: []}
    for name in KEPT_OUT[: asked.scenes]:
        scene = frame(name, asked.megapixels)
        for iso in asked.iso:
            off, flat = errors(scene, canon_5d4(iso), hot=asked.hot), flat_share(scene, canon_5d4(iso))
            found[f"{name} {iso}"] = off
            shown = "not measured" if off is None else " ".join(f"{each:.2f}" for each in off)
            print(f"{name} ISO {iso}: {shown}, {flat:.0%} flat", flush=True)
            right = off is not None and max(abs(each - 1) for each in off) <= TOLERANCE
            judged[flat >= SOME_FLAT].append(right)
    for has_flat, rights in judged.items():
        kind = "with some flat area" if has_flat else "without"
        print(f"{kind}: {sum(rights)} of {len(rights)} frames within {TOLERANCE:.0%}")
    return found


def measure_ways(asked: argparse.Namespace) -> dict[str, Table]:
    """Print the table, one row a way, one column an ISO and blur; return what was found for each column."""
    model = load_model(asked.model, quality="fast")
    ways = asked.ways if asked.earlier is None else [*asked.ways, EARLIER]
    rows: dict[str, list[str]] = {way: [] for way in ways}
    every = {}
    for blur_px in asked.blur:
        found = scenes(asked.side, blur_px, asked.scenes)
        for iso in asked.iso:
            table = measure(
                found,
                canon_5d4(iso),
                ways,
                model=model,
                hot=asked.hot,
                crops=asked.crops,
                earlier=asked.earlier,
            )
            every[f"{iso} {blur_px}"] = table
            for way, values in table.items():
                means = np.mean(list(values.values()), axis=0)
                rows[way].append(f"{means[0]:.2f} ({np.abs(means[1:]).max():.1f})")
            print(
                f"ISO {iso}, blur {blur_px} px: " + "; ".join(f"{way} {rows[way][-1]}" for way in rows),
                flush=True,
            )
    print(as_table([["", *every], *([way, *cells] for way, cells in rows.items())]))
    return every


def main() -> int:
    """Measure and print what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_subparsers(required=True)
    ways, noise, variants = (what.add_parser(name) for name in ("ways", "noise", "variants"))
    ways.set_defaults(do=measure_ways)
    ways.add_argument("--side", type=int, default=512)
    ways.add_argument("--blur", type=float, nargs="+", default=[0.0, 0.7])
    ways.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    ways.add_argument("--model")
    ways.add_argument("--earlier", type=Path, metavar="FOLDER", help="checkout of an earlier version")
    ways.add_argument("--crops", type=Path, help="folder for the developed pictures")
    noise.set_defaults(do=measure_noise)
    noise.add_argument("--megapixels", type=float, default=6.0, help="of a frame")
    for each in (ways, noise):
        each.add_argument("--iso", type=int, nargs="+", default=[1600, 6400, 25600, 102400])
        each.add_argument("--scenes", type=int, default=len(KEPT_OUT))
        each.add_argument("--hot", action="store_true", help="1 in 2500 sites is hot or dead")
        each.add_argument("--json", type=Path)
    variants.set_defaults(do=None)
    variants.add_argument("--only", nargs="+", default=[""], help="variants with one of these words")
    variants.add_argument("--programs", nargs="+", default=list(PROGRAMS), choices=list(PROGRAMS))
    variants.add_argument("--keep", type=Path, metavar="FOLDER", help="where files stay")
    asked = parser.parse_args()
    if asked.do is None:
        return 0 if print_variants(asked.only, asked.programs, asked.keep) else 1
    found = asked.do(asked)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
