"""The most memory that a whole `lgbpn denoise` takes, all of its processes together, beside what it was allowed.

    python benchmarks/memory.py PHOTO... [--max-memory 1GB] [-m MODEL] [--series FILE.csv]

Sampled from Linux's proportional set sizes (Pss), in which memory that processes share counts once. With `--series`
each sample is written down: seconds and the megabytes of each process, the program's own first. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

INTERVAL_S = 0.1
"""A sample takes the system a millisecond for each process."""


def pss_bytes(process: int) -> int:
    """Return the proportional set size of a process; 0 where it is gone."""
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return 0
    return int(text.partition("\nPss:")[2].split()[0]) * 1024


def sampled(command: list[str]) -> list[tuple[float, list[int]]]:
    """Return seconds and bytes of each process while a command runs. Raises CalledProcessError."""
    start, samples = time.monotonic(), []
    with psutil.Popen(command, stdout=subprocess.DEVNULL) as running:
        while running.poll() is None:
            try:
                processes = [running.pid, *(child.pid for child in running.children(recursive=True))]
            except psutil.NoSuchProcess:
                break
            samples.append((time.monotonic() - start, [pss_bytes(process) for process in processes]))
            time.sleep(INTERVAL_S)
    if running.returncode:
        raise subprocess.CalledProcessError(running.returncode, command)
    return samples


def main() -> None:
    """Run the command and print its peak."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path, nargs="+", metavar="PHOTO")
    parser.add_argument("--max-memory", default="1GB")
    parser.add_argument("-m", "--model")
    parser.add_argument("--series", type=Path, metavar="FILE.csv")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "lgbpn_cli", "denoise", *map(str, asked.photos), "-o", folder]
        command += ["--device", "cpu", "--max-memory", asked.max_memory, "-v"]
        command += [] if asked.model is None else ["-m", asked.model]
        samples = sampled(command)
    if asked.series is not None:
        rows = (
            ",".join(f"{number:.1f}" for number in (at, *(each / 1e6 for each in sizes)))
            for at, sizes in samples
        )
        asked.series.write_text("\n".join(rows) + "\n")
    at, sizes = max(samples, key=lambda sample: sum(sample[1]))
    peak = {
        "max_memory": asked.max_memory,
        "peak_megabytes": round(sum(sizes) / 1e6),
        "at_seconds": round(at, 1),
    }
    print(json.dumps(peak | {"of_each_process": [round(each / 1e6) for each in sizes]}))


if __name__ == "__main__":
    main()
