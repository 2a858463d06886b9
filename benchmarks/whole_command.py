"""Where the time of `lgbpn denoise` goes for photos of several sizes: the table in docs/results.md.

    python benchmarks/whole_command.py [--megapixels 1 --megapixels 24] [--repeats 3] [--write docs/results.md]

Makes JPEGs of drawn scenes with noise, asks `lgbpn bench --whole` about each, and prints how many seconds of processors
each part took. Those of the clock depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

BEGIN = "<!-- table of the whole command, written by benchmarks/whole_command.py -->"
END = "<!-- end of the table of the whole command -->"
NOISE_LEVELS = 8
"""Standard deviation of the noise in the photos."""


def make_photo(path: Path, megapixels: float) -> None:
    """Write a JPEG of 3:2 with shading, edges, and noise that neighbours share, as in photos."""
    height = round((megapixels * 1e6 / 1.5) ** 0.5)
    width = round(1.5 * height)
    random = np.random.default_rng(0)
    columns = np.arange(width, dtype=np.float32)
    pixels = np.empty((height, width, 3), np.uint8)
    for row in range(height):
        light = 60 + 120 * columns / width + 30 * ((row // 301 + columns // 457) % 2)
        noise = random.normal(0, NOISE_LEVELS, (width + 1, 3)).astype(np.float32)
        pixels[row] = np.clip(light[:, None] + 0.8 * noise[1:] + 0.6 * noise[:-1], 0, 255)
    Image.fromarray(pixels).save(path, quality=92)


def measured(photo: Path, repeats: int) -> dict:
    """Return what `lgbpn bench --whole --json` says."""
    command = [sys.executable, "-m", "lgbpn_cli", "bench", "--whole", str(photo), "--repeats", str(repeats)]
    return json.loads(subprocess.run([*command, "--json"], check=True, stdout=subprocess.PIPE).stdout)


def table(documents: list[dict]) -> str:
    """Return the processors' seconds as Markdown, a column for each part."""
    parts = [name for name in documents[0]["parts"] if name != "end"]  # of which the clock alone knows
    rows = [["megapixels", *parts, "all processes", "over network"]]
    for document in documents:
        seconds = [f"{document['parts'][name]['cpu_seconds']:.2f}" for name in parts]
        rows.append(
            [
                f"{document['megapixels']:.0f}",
                *seconds,
                f"{document['cpu_seconds']:.2f}",
                f"{document['cpu_over_network']:.2f}",
            ]
        )
    lines = ["| " + " | ".join(cells) + " |" for cells in rows]
    lines.insert(1, "|---" * len(rows[0]) + "|")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--megapixels", type=float, action="append", help="may be repeated; default: 1, 8, 24"
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="replace the table between its marks there"
    )
    arguments = parser.parse_args()
    documents = []
    with tempfile.TemporaryDirectory() as folder:
        for megapixels in arguments.megapixels or (1, 8, 24):
            photo = Path(folder) / f"{megapixels:g}.jpg"
            make_photo(photo, megapixels)
            documents.append(measured(photo, arguments.repeats))
    found = table(documents)
    print(found)
    if arguments.write is not None:
        before, begin, rest = arguments.write.read_text("utf-8").partition(BEGIN)
        _, end, after = rest.partition(END)
        if not begin or not end:
            raise SystemExit(
                f"{arguments.write} has no place for the table: it lacks the lines\n{BEGIN}\n{END}"
            )
        arguments.write.write_text(f"{before}{BEGIN}\n\n{found}\n\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
