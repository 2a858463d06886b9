"""How well the noise of raw files is measured: a and b on synthetic raws of 6 MP, against what was laid on.

    python benchmarks/raw_noise.py [--megapixels 6] [--scenes 12] [--iso 1600 6400 25600 102400] [--hot] [--json FILE]

Photographs that no network was trained on are mirrored until they fill the frame, and read out by a sensor of a Canon
5D Mark IV (ELD, CVPR 2020) at each ISO. The variance a x + b that `lgbpn probe` would tell is compared with the true
one at the light of the frame's tenth, fiftieth and ninetieth percentile: a frame counts as right when all three are
within 20 per cent. The goal is 90 per cent of the frames. Pictures are looked for below LGBPN_DATA (default
../shared/data).
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import numpy as np
from PIL import Image
from raw import EXPOSURE, KEPT_OUT, Scene, taken

from lgbpn_cli.denoise.working import decode_light
from lgbpn_cli.evaluation.synthetic_raw import SensorNoise, camera_light, canon_5d4
from lgbpn_cli.photos.raw.noise import measure_mosaic_noise
from lgbpn_cli.training.noise.camera import blur
from lgbpn_cli.training.recipe import data_root

RGGB = np.array([[0, 1], [1, 2]], np.uint8)
PERCENTILES = (10, 50, 90)
TOLERANCE = 0.2
LENS_BLUR_PX = 0.7


def frame(name: str, megapixels: float) -> Scene:
    """Return a photograph as a scene of that size, 3 : 2, mirrored at its edges."""
    height = round(math.sqrt(megapixels * 1e6 * 2 / 3)) // 2 * 2
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


def main() -> None:
    """Print a line a frame, and the share of the frames that are right."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megapixels", type=float, default=6.0)
    parser.add_argument("--scenes", type=int, default=len(KEPT_OUT))
    parser.add_argument("--iso", type=int, nargs="+", default=[1600, 6400, 25600, 102400])
    parser.add_argument("--hot", action="store_true", help="1 in 2500 sites is hot or dead")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    found = {}
    for name in KEPT_OUT[: asked.scenes]:
        scene = frame(name, asked.megapixels)
        for iso in asked.iso:
            off = errors(scene, canon_5d4(iso), hot=asked.hot)
            found[f"{name} {iso}"] = off
            shown = "not measured" if off is None else " ".join(f"{each:.2f}" for each in off)
            print(f"{name} ISO {iso}: {shown}", flush=True)
    right = [off is not None and max(abs(each - 1) for each in off) <= TOLERANCE for off in found.values()]
    print(f"{sum(right)} of {len(right)} frames within {TOLERANCE:.0%}: {np.mean(right):.0%}")
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
