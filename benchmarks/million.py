"""The command over a million photos, to its end: how long it takes, and how much memory.

    python benchmarks/million.py --folder /tmp/million --to-do 20000

A thousand small photos are made and denoised by the command itself. Hard links to them, in a thousand folders, are a
million photos with most of their results: as an archive is found when the command is given once more. Then
`lgbpn denoise -r IN -o OUT --workers 1` does the rest, with a network that costs nothing; all else is as it is for a
user, reading and writing included. It is given twice: the second time all results are there.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

COMMAND = Path(__file__).parents[1] / "tests" / "cli" / "fake_network.py"
PHOTOS_A_FOLDER = 1000
SIZE_PX = (64, 48)


def make_archive(folder: Path, photos: int, to_do: int) -> None:
    """Make photos below `folder`/in, and their results below `folder`/out, but for `to_do` of them."""
    first, clean = folder / "in" / box(0), folder / "out" / box(0)
    first.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(PHOTOS_A_FOLDER):
        scene = np.linspace(60, 180, SIZE_PX[0])[:, None] + rng.uniform(-40, 40, 3)
        noisy = scene + rng.normal(0, 12, (SIZE_PX[1], SIZE_PX[0], 3))
        Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(first / f"page_{number:03d}.png")
    subprocess.run([sys.executable, COMMAND, "denoise", "-q", first, "-o", clean], check=True)
    boxes = photos // PHOTOS_A_FOLDER
    for number in range(1, boxes):
        link_all(first, folder / "in" / box(number))
        if number < boxes - to_do // PHOTOS_A_FOLDER:
            link_all(clean, folder / "out" / box(number))


def box(number: int) -> str:
    """Return the name of a folder."""
    return f"box_{number:04d}"


def link_all(old: Path, new: Path) -> None:
    """Make a folder of hard links to all files of another one."""
    new.mkdir()
    for entry in os.scandir(old):
        os.link(entry.path, new / entry.name)


def run(folder: Path, name: str, workers: int, every_s: int) -> None:
    """Run the command, print the memory of its processes on the way, and what it said at the end."""
    words = ["denoise", "-r", folder / "in", "-o", folder / "out", "--json", "--workers", workers]
    rows, messages = folder / f"{name}.jsonl", folder / f"{name}.txt"
    with rows.open("wb") as stdout, messages.open("wb") as stderr:
        process = psutil.Popen([sys.executable, COMMAND, *map(str, words)], stdout=stdout, stderr=stderr)
    print(
        f"{name} run",
        "seconds, photos told of, MB of client and scheduler, MB of the others",
        sep="\n",
        flush=True,
    )
    start = time.monotonic()
    told = peak_bytes = 0
    processors_s = 0.0
    with rows.open("rb") as lines:
        while process.poll() is None:
            time.sleep(every_s)
            while block := lines.read(1 << 20):
                told += block.count(b"\n")
            own, *others = memory_of(process)
            peak_bytes = max(peak_bytes, own)
            processors_s = max(processors_s, processors_of(process))
            each = " ".join(f"{taken / 1e6:.0f}" for taken in others)
            print(f"{time.monotonic() - start:6.0f} {told:8d} {own / 1e6:6.0f}  {each}", flush=True)
    print(f"exit code {process.returncode} after {time.monotonic() - start:.0f} s")
    print(f"client and scheduler: {peak_bytes / 1e6:.0f} MB at most, {processors_s:.0f} s of processors")
    with rows.open("rb") as lines:
        print("told:", dict(Counter(json.loads(line)["status"] for line in lines)))
    print("there:", sum(len(files) for _, _, files in os.walk(folder / "out")))
    print(
        "\n".join(line for line in messages.read_text().splitlines() if " -> " not in line)[-2000:],
        flush=True,
    )


def memory_of(process: psutil.Process) -> list[int]:
    """Return the memory of a process and of all below it, 0 for each that has ended."""
    try:
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return [0]
    taken = []
    for member in family:
        try:
            taken.append(int(member.memory_info().rss))
        except psutil.NoSuchProcess:
            taken.append(0)
    return taken


def processors_of(process: psutil.Process) -> float:
    """Return the seconds of processors that a process took so far, 0 where it has ended."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def main() -> None:
    """Make the archive unless it is there, and give the command twice."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, required=True, help="a new one, or that of an earlier run")
    parser.add_argument("--photos", type=int, default=1_000_000)
    parser.add_argument("--to-do", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--every-s", type=int, default=10)
    options = parser.parse_args()
    if not options.folder.exists():
        make_archive(options.folder, options.photos, options.to_do)
    for name in ("first", "second"):
        run(options.folder, name, options.workers, options.every_s)


if __name__ == "__main__":
    main()
