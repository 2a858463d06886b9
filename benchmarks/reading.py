"""What it costs to read photos in a process of their own, against reading them here, and by a pool of one worker.

    python benchmarks/reading.py [--megapixels 24] [--repeats 5] [--network]

Prints JSON: processor seconds of all processes together, interleaved and the least of the repeats, which other work on
the machine disturbs less than seconds of the clock; what starting costs; bytes a pixel at the peak of reading for the
types of `photos/decoding_cost.py`. `--network` times the network, too, and says what share of a whole photo it is.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.reading_process import ReadingProcess

PEAK = """
import sys
from pathlib import Path
from lgbpn_cli.photos import convert, read
import imagecodecs, pi_heif, PIL.AvifImagePlugin, PIL.WebPImagePlugin, rawpy
imagecodecs.avif_decode, imagecodecs.png_decode, imagecodecs.lzw_decode
def memory(kind):
    return int(Path("/proc/self/status").read_text().split(kind + ":")[1].split()[0]) * 1024
before = memory("VmRSS")
photo = read.read_photo(Path(sys.argv[1]))
print((memory("VmHWM") - before) / (photo.megapixels * 1e6))
"""
KINDS: dict[str, dict[str, object]] = {
    "a.jpg": {"quality": 92}, "progressive.jpg": {"quality": 92, "progressive": True}, "a.png": {"compress_level": 1},
    "a.tif": {}, "lzw.tif": {"compression": "tiff_lzw"}, "a.webp": {}, "a.avif": {"speed": 10},
}  # fmt: skip


def noisy_picture(megapixels: float) -> Image.Image:
    rng = np.random.default_rng(0)
    height = round((megapixels * 1e6 / 1.5) ** 0.5)
    coarse = Image.fromarray(rng.integers(0, 256, (height // 4, height * 3 // 8, 3), np.uint8))
    picture = np.asarray(coarse.resize((height * 3 // 2, height), Image.Resampling.BICUBIC)).astype(np.int16)
    picture += rng.normal(0, 8, picture.shape).astype(np.int16)
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))


def processor_seconds() -> float:
    """Seconds that this process and its children have computed."""
    processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def least_seconds(readers: dict[str, Callable[[], Photo]], repeats: int) -> dict[str, float]:
    found: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(repeats):
        for name, read in readers.items():
            start = processor_seconds()
            int(read().pixels[::64].sum())
            found[name].append(processor_seconds() - start)
    return {name: round(min(seconds), 3) for name, seconds in found.items()}


def network_seconds(megapixels: float) -> float:
    from lgbpn_cli.config import InferenceConfig
    from lgbpn_cli.measurements import bench_speed

    speed = bench_speed(InferenceConfig(), megapixels=0.5, repeats=1)
    return megapixels / speed.megapixels_per_second


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megapixels", type=float, default=24)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--network", action="store_true")
    parser.add_argument("--peaks", action="store_true", help="also the memory of each type")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        picture = noisy_picture(options.megapixels)
        photo = Path(folder) / "a.jpg"
        picture.save(photo, quality=92)
        start = processor_seconds()
        spawning = multiprocessing.get_context("spawn")
        with ReadingProcess() as reading, ProcessPoolExecutor(1, spawning) as pool:
            reading.call(photo, os.getpid)
            started = processor_seconds() - start
            pool.submit(os.getpid).result()
            seconds = least_seconds(
                {
                    "here": lambda: read_photo(photo),
                    "own_process": lambda: reading.call(photo, read_photo, photo),
                    "pool_of_one": lambda: pool.submit(read_photo, photo).result(),
                },
                options.repeats,
            )
        document: dict[str, object] = {
            "megapixels": options.megapixels,
            "seconds": seconds,
            "own_process_costs": round(seconds["own_process"] - seconds["here"], 3),
            "pool_of_one_costs": round(seconds["pool_of_one"] - seconds["here"], 3),
            "starting_costs": round(started, 3),
        }
        if options.network:
            whole = network_seconds(options.megapixels) + seconds["here"]
            document["network_seconds"] = round(whole - seconds["here"], 1)
            document["own_process_share"] = round((seconds["own_process"] - seconds["here"]) / whole, 4)
        if options.peaks:
            peaks = {}
            small = picture.resize((picture.width // 2, picture.height // 2))
            for name, how in KINDS.items():
                small.save(Path(folder) / name, **how)
                command = [sys.executable, "-c", PEAK, str(Path(folder) / name)]
                answer = subprocess.run(command, capture_output=True, text=True, check=True)
                peaks[name] = round(float(answer.stdout), 1)
            document["bytes_per_pixel"] = peaks
        document["load"] = round(os.getloadavg()[0], 1)
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
