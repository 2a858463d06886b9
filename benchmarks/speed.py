"""Where the time of the parts of lgbpn goes: the whole command, reading photos, another mixture, a preview.

    python benchmarks/speed.py whole [--megapixels 1 8 24] [--repeats 3] [--raw] [--write docs/results.md]
    python benchmarks/speed.py bands [--megapixels 8 24] [--repeats 5]
    python benchmarks/speed.py reading [--megapixels 24] [--repeats 5] [--network] [--peaks PHOTO...]
    python benchmarks/speed.py guard [--megapixels 24] [--repeats 3]
    python benchmarks/speed.py blending [--megapixels 24] [--repeats 3] [--types jpg png]
    python benchmarks/speed.py commands [--megapixels 24] [--write docs/results.md]

- whole: `lgbpn bench --whole` on JPEGs of drawn scenes with noise: the table in docs/results.md; with `--raw` on raw
  files (DNG) of the same scenes, too.
- bands: the student's network alone over random values, in bands of rows as photos go on the CPU, against tiles of
  1024 px, by turns; seconds by the clock, and the median of their ratios. `OMP_NUM_THREADS` says on how many cores.
- reading: what it costs to read photos in a process of their own, against reading them here, or in a pool of one;
  with `--network` the network's time, too, and with `--peaks` the memory of each type, as planned and taken. JSON.
- guard: `lgbpn denoise` of one JPEG as it is, and with the photo read in the program's own process, by turns.
- blending: the steps of `lgbpn blend`, which needs no network, for photos with noise on a slope.
- commands: `lgbpn denoise`, `blend`, `preview` of one JPEG and `--help`, as shares of the first: a table in results.md.

All others are seconds of processors, of all processes and threads together: other work on the machine disturbs them
less than those of the clock. Of the repeats the least or the median counts.
"""

from __future__ import annotations

import argparse
import compileall
import itertools
import json
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import psutil
from PIL import Image
from result_tables import as_table, write_between_marks
from sets import shape_of
from synthetic_raw import camera_light, canon_5d4, write_cfa_dng

import lgbpn_cli
from lgbpn_cli.config.look import Grain, Look
from lgbpn_cli.denoise.blend import blend_photos
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.reading_process import ReadingProcess
from lgbpn_cli.photos.write import write_photo
from lgbpn_cli.training.raw.sensor import mosaic_of

BEGIN = "<!-- table of the whole command, written by benchmarks/speed.py -->"
END = "<!-- end of the table of the whole command -->"
BEGIN_COMMANDS = "<!-- table of blend and preview, written by benchmarks/speed.py -->"
END_COMMANDS = "<!-- end of the table of blend and preview -->"
NOISE_LEVELS = 8
"""Standard deviation of the noise in the photos."""
ISO_OF_RAW = 6400
PEAK = """
import sys
from pathlib import Path
from lgbpn_cli.config import OutputConfig
from lgbpn_cli.photos import convert, read, record, shot
from lgbpn_cli.photos.header import opened_header
from lgbpn_cli.photos.prepare import read_as_result
path = Path(sys.argv[1])
with opened_header(path) as header:
    planned = header.size.needed_bytes
photo, _ = read_as_result(path, OutputConfig(), None, as_mosaic=True)
print(planned / 1e6, photo.reading_bytes / 1e6)
"""
COMMAND_TESTS = Path(__file__).parents[1] / "tests" / "cli"
WITHOUT_NETWORK = """
import sys
sys.path.append(sys.argv.pop(1))
import fake_network
fake_network.install(sys.modules.__setitem__)
"""
READ_HERE = """
from lgbpn_cli.photos.reading_process import ReadingProcess
ReadingProcess.__enter__ = lambda self: self
ReadingProcess.call = lambda self, path, function, *words, **named: function(*words, **named)
"""
MAIN = """
from lgbpn_cli.__main__ import main
main()
"""
KINDS: dict[str, dict[str, object]] = {
    "a.jpg": {"quality": 92}, "progressive.jpg": {"quality": 92, "progressive": True}, "a.png": {"compress_level": 1},
    "a.tif": {}, "lzw.tif": {"compression": "tiff_lzw"}, "a.webp": {}, "a.avif": {"speed": 10},
}  # fmt: skip


def save_scene(path: Path, megapixels: float) -> None:
    """Write a JPEG with shading, edges, and noise that neighbours share, as in photos."""
    height, width = shape_of(megapixels)
    random = np.random.default_rng(0)
    columns = np.arange(width, dtype=np.float32)
    pixels = np.empty((height, width, 3), np.uint8)
    for row in range(height):
        light = 60 + 120 * columns / width + 30 * ((row // 301 + columns // 457) % 2)
        noise = random.normal(0, NOISE_LEVELS, (width + 1, 3)).astype(np.float32)
        pixels[row] = np.clip(light[:, None] + 0.8 * noise[1:] + 0.6 * noise[:-1], 0, 255)
    Image.fromarray(pixels).save(path, quality=92)


def save_raw(path: Path, megapixels: float) -> None:
    """Write the same scene as a raw file with a Bayer mosaic, as a camera at ISO 6400 sees it."""
    save_scene(path.with_suffix(".jpg"), megapixels)
    pixels = np.asarray(Image.open(path.with_suffix(".jpg")), np.float32) / 255
    noise, random = canon_5d4(ISO_OF_RAW), np.random.default_rng(1)
    mosaic = mosaic_of(camera_light(pixels[: len(pixels) // 2 * 2, : pixels.shape[1] // 2 * 2] ** 2))
    variance = noise.shot * mosaic + noise.read
    mosaic += np.sqrt(variance) * random.standard_normal(mosaic.shape, np.float32)
    write_cfa_dng(path, np.minimum(mosaic, 1), iso=ISO_OF_RAW)


def whole(asked: argparse.Namespace, folder: Path) -> None:
    """Print the seconds of each part of `lgbpn denoise`, a row for each size of photo."""
    documents = []
    # As where it is installed: Python does not have to compile it.
    compileall.compile_dir(Path(lgbpn_cli.__file__).parent, quiet=1)
    savers = {"jpg": save_scene, **({"dng": save_raw} if asked.raw else {})}
    for megapixels, ending in itertools.product(asked.megapixels, savers):
        photo = folder / f"{megapixels:g}.{ending}"
        savers[ending](photo, megapixels)
        command = [sys.executable, "-m", "lgbpn_cli", "bench", "--whole", str(photo)]
        command += ["--repeats", str(asked.repeats), "--json"]
        documents.append(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))
    parts = [name for name in documents[0]["parts"] if name != "end"]  # of which the clock alone knows
    rows = [["megapixels", *parts, "all processes", "over network"]]
    for document in documents:
        seconds = [document["parts"][name]["cpu_seconds"] for name in parts]
        seconds += [document["cpu_seconds"], document["cpu_over_network"]]
        kind = ", raw" if document["photo"].endswith(".dng") else ""
        rows.append([f"{document['megapixels']:.0f}{kind}", *(f"{each:.2f}" for each in seconds)])
    print(as_table(rows))
    if asked.write is not None:
        write_between_marks(asked.write, {BEGIN: as_table(rows)}, END)


def bands(asked: argparse.Namespace, folder: Path) -> None:
    """Print what the network takes in bands and in tiles, and the median ratio of the pairs."""
    from lgbpn_cli.config import InferenceConfig
    from lgbpn_cli.inference.run import run_network

    model = lgbpn_cli.load_model(device="cpu")
    ways = {"bands": InferenceConfig(), "tiles": InferenceConfig(tile_px=1024)}
    for megapixels in asked.megapixels:
        picture = np.random.default_rng(0).random((*shape_of(megapixels), 3), np.float32)
        found: dict[str, list[float]] = {name: [] for name in ways}
        for repeat in range(asked.repeats + 1):
            for name, config in ways.items():
                start = time.perf_counter()
                run_network(picture, model, config)
                if repeat:  # the first of each warms up
                    found[name].append(time.perf_counter() - start)
        ratio = statistics.median(band / tile for band, tile in zip(*found.values(), strict=True))
        medians = ", ".join(f"{name} {statistics.median(each):.2f} s" for name, each in found.items())
        print(f"{megapixels:g} megapixels: {medians}, ratio {ratio:.2f}", flush=True)


def noisy_picture(megapixels: float) -> Image.Image:
    """Return a picture of coarse colours with noise on them."""
    random = np.random.default_rng(0)
    height, width = shape_of(megapixels)
    coarse = Image.fromarray(random.integers(0, 256, (height // 4, width // 4, 3), np.uint8))
    picture = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC)).astype(np.int16)
    picture += random.normal(0, NOISE_LEVELS, picture.shape).astype(np.int16)
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))


def processor_seconds() -> float:
    """Seconds that this process and its children have computed."""
    processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def least_seconds(readers: dict[str, Callable[[], Photo]], repeats: int) -> dict[str, float]:
    """Return the seconds of each way to read a photo; the ways take turns."""
    found: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(repeats):
        for name, read in readers.items():
            start = processor_seconds()
            int(read().pixels[::64].sum())
            found[name].append(processor_seconds() - start)
    return {name: round(min(seconds), 3) for name, seconds in found.items()}


def network_seconds(megapixels: float) -> float:
    """Return what the network takes for a photo of that size, by the pace of a small one."""
    from lgbpn_cli.config import InferenceConfig
    from lgbpn_cli.evaluation.measurements import bench_speed

    speed = bench_speed(InferenceConfig(), megapixels=0.5, repeats=1)
    return megapixels / speed.megapixels_per_second


def peaks(picture: Image.Image, folder: Path, photos: Sequence[Path]) -> dict[str, dict[str, int]]:
    """Return the megabytes that reading was expected to take and took at its peak, by type of file, and of photos."""
    small = picture.resize((picture.width // 2, picture.height // 2))
    for name, how in KINDS.items():
        small.save(folder / name, **how)
    found = {}
    for path in (*(folder / name for name in KINDS), *photos):
        command = [sys.executable, "-W", "ignore", "-c", PEAK, str(path)]
        answer = subprocess.run(command, capture_output=True, text=True, check=True)
        planned, taken = map(float, answer.stdout.split())
        found[path.name] = {"planned": round(planned), "taken": round(taken)}
    return found


def reading(asked: argparse.Namespace, folder: Path) -> None:
    """Print what it costs to read a photo here, in a process of its own, and by a pool."""
    picture = noisy_picture(asked.megapixels)
    photo = folder / "photo.jpg"
    picture.save(photo, quality=92)
    start = processor_seconds()
    spawning = multiprocessing.get_context("spawn")
    with ReadingProcess() as own_process, ProcessPoolExecutor(1, spawning) as pool:
        own_process.call(photo, os.getpid)
        started = processor_seconds() - start
        pool.submit(os.getpid).result()
        readers: dict[str, Callable[[], Photo]] = {
            "here": lambda: read_photo(photo),
            "own_process": lambda: own_process.call(photo, read_photo, photo),
            "pool_of_one": lambda: pool.submit(read_photo, photo).result(),
        }
        seconds = least_seconds(readers, asked.repeats)
    document: dict[str, object] = {
        "megapixels": asked.megapixels,
        "seconds": seconds,
        "own_process_costs": round(seconds["own_process"] - seconds["here"], 3),
        "pool_of_one_costs": round(seconds["pool_of_one"] - seconds["here"], 3),
        "starting_costs": round(started, 3),
    }
    if asked.network:
        network = network_seconds(asked.megapixels)
        share = (seconds["own_process"] - seconds["here"]) / (network + seconds["here"])
        document |= {"network_seconds": round(network, 1), "own_process_share": round(share, 4)}
    if asked.peaks is not None:
        document["reading_megabytes"] = peaks(picture, folder, asked.peaks)
    document["load"] = round(os.getloadavg()[0], 1)
    print(json.dumps(document, indent=2))


def guard(asked: argparse.Namespace, folder: Path) -> None:
    """Print what a process of its own for reading adds to the whole command for one photo.

    The network, whose time varies more than that from run to run, is left out where the two ways are compared.
    """
    compileall.compile_dir(Path(lgbpn_cli.__file__).parent, quiet=1)
    photo = folder / "photo.jpg"
    save_scene(photo, asked.megapixels)
    words = ["denoise", "-q", str(photo), "-o", str(folder / "clean.jpg"), "--overwrite"]
    programs: dict[str, list[str]] = {
        "whole": ["-m", "lgbpn_cli"],
        "guarded, without network": ["-c", f"{WITHOUT_NETWORK}{MAIN}", str(COMMAND_TESTS)],
        "read here, without network": ["-c", f"{WITHOUT_NETWORK}{READ_HERE}{MAIN}", str(COMMAND_TESTS)],
    }
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(asked.repeats):
        for name, program in programs.items():
            before = sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
            subprocess.run([sys.executable, *program, *words], check=True)
            seconds[name].append(sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]) - before)
            print(f"{name}: {seconds[name][-1]:.2f} s", flush=True)
    for word, chosen in (("median", statistics.median), ("least", min)):
        whole, guarded, here = (float(chosen(each)) for each in seconds.values())
        ratio = whole / (whole - (guarded - here))
        print(f"{word}: {guarded - here:+.2f} s of processors of {whole:.2f}, ratio {ratio:.3f}")


def blending(asked: argparse.Namespace, folder: Path) -> None:
    """Print the seconds of each step of another mixture, a line for each type of photo."""
    height, width = shape_of(asked.megapixels)
    random = np.random.default_rng(0)
    slope = np.linspace(40, 200, width, dtype=np.float32)[None, :, None]
    for name in asked.types:
        paths = [folder / f"{number}.{name}" for number in range(2)]
        for path, level in zip(paths, (12.0, 2.0), strict=True):
            pixels = slope + level * random.standard_normal((height, width, 3), np.float32)
            saved = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
            saved.save(path, quality=95, compress_level=1)
        photo, full = map(read_photo, paths)
        steps: dict[str, Callable[[], object]] = {
            "mix at one strength": partial(blend_photos, photo, full, Look(0.5, 0.5), 0),
            "mix": partial(blend_photos, photo, full, Look(0.5, 1.0), 0),
            "mix and grain": partial(blend_photos, photo, full, Look(0.5, 1.0, Grain(3)), 0),
            "read both": partial(lambda paths: [read_photo(path) for path in paths], paths),
            "write": partial(write_photo, photo, folder / f"out.{name}"),
        }
        times = [f"{step} {median_seconds(run, asked.repeats):.2f} s" for step, run in steps.items()]
        print(f"{name}, {asked.megapixels:g} MP: {', '.join(times)}")


def commands(asked: argparse.Namespace, folder: Path) -> None:
    """Print the seconds of whole commands on one photo, with all processes that they start."""
    photo, full, mixture = folder / "photo.jpg", folder / "full.jpg", folder / "mixture.jpg"
    save_scene(photo, asked.megapixels)
    blend = ["blend", photo, full, "-o", mixture, "--overwrite"]
    words: dict[str, list[object]] = {
        "lgbpn denoise": ["denoise", photo, "-o", full],
        "lgbpn blend --strength 0.5": [*blend, "--strength", 0.5],
        "lgbpn blend --luma 0.5 --chroma 1": [*blend, "--luma", 0.5, "--chroma", 1],
        "lgbpn blend --strength 0.5 --grain 3": [*blend, "--strength", 0.5, "--grain", 3],
        "lgbpn preview": ["preview", photo, "--no-open", "-o", folder / "page.html"],
        "lgbpn --help": ["--help"],
    }
    seconds: dict[str, float] = {}
    rows = [[f"command, {asked.megapixels:g} megapixels", "processors, s", "share of a full run"]]
    for name, arguments in words.items():
        command = [sys.executable, "-m", "lgbpn_cli", *map(str, arguments)]
        before = sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
        subprocess.run(command, check=True, capture_output=True)
        seconds[name] = sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]) - before
        rows.append([f"`{name}`", f"{seconds[name]:.2f}", f"{seconds[name] / seconds['lgbpn denoise']:.0%}"])
        print(*rows[-1], flush=True)
    if asked.write is not None:
        write_between_marks(asked.write, {BEGIN_COMMANDS: as_table(rows)}, END_COMMANDS)


def median_seconds(step: Callable[[], object], repeats: int) -> float:
    """Return the seconds that a step takes, of all threads together."""
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        step()
        seconds.append(time.process_time() - start)
    return statistics.median(seconds)


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kinds = parser.add_subparsers(dest="kind", required=True)
    of_whole, of_bands, of_reading, of_guard, of_blending, of_commands = (
        kinds.add_parser(name) for name in ("whole", "bands", "reading", "guard", "blending", "commands")
    )
    of_whole.add_argument("--megapixels", type=float, nargs="+", default=[1.0, 8.0, 24.0])
    of_bands.add_argument("--megapixels", type=float, nargs="+", default=[8.0, 24.0])
    of_whole.add_argument("--raw", action="store_true", help="raw files, too")
    for kind in (of_whole, of_commands):
        kind.add_argument(
            "--write", type=Path, metavar="FILE", help="replace the table between its marks there"
        )
    of_reading.add_argument("--network", action="store_true")
    of_reading.add_argument(
        "--peaks", nargs="*", type=Path, help="also the memory of each type, and of these photos"
    )
    of_blending.add_argument("--types", nargs="+", default=["jpg", "png"])
    for kind, repeats in ((of_whole, 3), (of_bands, 5), (of_reading, 5), (of_guard, 3), (of_blending, 3)):
        kind.add_argument("--repeats", type=int, default=repeats)
    for kind in (of_reading, of_guard, of_blending, of_commands):
        kind.add_argument("--megapixels", type=float, default=24.0)
    asked = parser.parse_args()
    run = {
        "whole": whole,
        "bands": bands,
        "reading": reading,
        "guard": guard,
        "blending": blending,
        "commands": commands,
    }[asked.kind]
    with tempfile.TemporaryDirectory() as folder:
        run(asked, Path(folder))


if __name__ == "__main__":
    main()
