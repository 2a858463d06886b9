"""Makes docs/before_after.png from the examples and the folder of their results, its only argument.

Left of each pair is the noisy example, right its result, one screen pixel for one photo pixel.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

CROP_PX = 300
CROPS = (("drum_and_wine.jpg", 60, 20), ("dandelions.jpg", 300, 380), ("two_dogs.jpg", 380, 360))
"""Example, left, top."""


def main() -> None:
    """Write the picture for README."""
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    examples, denoised = Path(__file__).parent, Path(sys.argv[1])
    sheet = Image.new("RGB", (2 * CROP_PX * len(CROPS), CROP_PX))
    for index, (name, left, top) in enumerate(CROPS):
        for side, folder in enumerate((examples, denoised)):
            with Image.open(folder / name) as photo:
                crop = photo.crop((left, top, left + CROP_PX, top + CROP_PX))
            sheet.paste(crop, ((2 * index + side) * CROP_PX, 0))
    sheet.save(examples.parent / "docs" / "before_after.png", optimize=True)


if __name__ == "__main__":
    main()
