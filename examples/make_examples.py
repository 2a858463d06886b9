"""Makes the noisy example photos from low-noise photographs: `python examples/make_examples.py`.

The photographs are found below LGBPN_DATA (default ../shared/data) in `clean/`; see LICENCES.md for their authors.
They are reduced, which takes the noise of their own away, and put through the simulated camera of
`lgbpn_cli.training.noise.camera`. The same seeds give the same files.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from lgbpn_cli.training.noise.camera import Camera, photograph
from lgbpn_cli.training.recipe import data_root

EXAMPLES = (
    ("Wine_by_Jakkub_Mede.jpg", "drum_and_wine.jpg", 2.5, Camera(shot=0.010, read=4e-4)),
    ("seeding_by_Clements_Engelhardt.jpg", "dandelions.jpg", 3.0, Camera(shot=0.006, read=1.5e-4)),
    (
        "friends_by_Aitzol_Berasategi.jpg",
        "two_dogs.jpg",
        2.0,
        Camera(shot=0.016, read=7e-4, demosaic_correction=0.7),
    ),
)
"""Source, result, reduction, camera."""


def main() -> None:
    """Write the example photos beside this script."""
    for seed, (source, result, reduction, camera) in enumerate(EXAMPLES):
        with Image.open(data_root() / "clean" / source) as original:
            width, height = (int(side / reduction) // 2 * 2 for side in original.size)
            reduced = original.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
        picture = np.asarray(reduced, np.float32) / 255
        noisy = photograph(picture, camera, np.random.default_rng(seed))
        pixels = np.rint(noisy * 255).astype(np.uint8)
        Image.fromarray(pixels).save(Path(__file__).parent / result, quality=92, subsampling="4:2:0")


if __name__ == "__main__":
    main()
