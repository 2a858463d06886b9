"""What photos on several processes and machines cost beside their denoising.

    python benchmarks/cluster.py simulate --gpu-seconds 0.6 --share-megabytes-per-second 1000
    python benchmarks/cluster.py processes
    python benchmarks/cluster.py million --folder /tmp/million --to-do 20000

`simulate`: how a million photos would go over 1, 10 and 100 GPUs. Measured here, in seconds of processors: what a chunk
and an answer cost client and scheduler, and what finding a photo costs the client; and the memory of photos that wait.
Given: how long a GPU takes for a photo, and what the share with the photos delivers and takes. One server each stands
for client, scheduler and share; a chunk passes through them in this order, and waits where one is busy.

`processes`: the same photos by one process of two threads, and by two workers of one thread each. It needs two cores
that nothing else uses, and about two minutes of them.

`million`: the command over a million photos, to its end: how long it takes, and how much memory. A thousand small
photos are made and denoised by the command itself. Hard links to them, in a thousand folders, are a million photos with
most of their results: as an archive is found when the command is given once more. `lgbpn denoise -r IN -o OUT
--workers 1` does the rest, with a network that costs nothing; all else is as it is for a user, reading and writing
included. It is given twice: the second time all results are there.
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from lgbpn_cli.batch.cluster.backlog import Backlog
from lgbpn_cli.batch.cluster.order import Answer, Task, packed
from lgbpn_cli.batch.cluster.pool import Pool, connected
from lgbpn_cli.batch.cluster.search import find_tasks
from lgbpn_cli.batch.outcome import Outcome, Status
from lgbpn_cli.config import OutputConfig
from lgbpn_cli.photos.reading_process import ReadingProcess

PHOTOS_A_CHUNK = 16
"""Of 24 MP: 30 MB each are more than half a gigabyte together."""
SMALLEST_PNG = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de")
FREE_COMMAND = Path(__file__).parents[1] / "tests" / "cli" / "fake_network.py"
"""The program with a network that costs nothing."""
PHOTOS_A_FOLDER = 1000
SIZE_PX = (64, 48)


class Silent:
    """Listens to a search and says nothing."""

    def note(self, text: str) -> None:
        pass

    def finished(self, outcome: Outcome) -> None:
        pass

    def found_file(self) -> None:
        pass


def seconds_to_find(photos: int) -> float:
    """Seconds that the client takes to find a photo and to plan its result."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(photos):
            path = folder / "in" / f"{number // 1000}" / f"IMG_{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(SMALLEST_PNG)
        output = OutputConfig(recursive=True, output=str(folder / "out"))
        start = time.process_time()
        found = sum(map(len, find_tasks([folder / "in"], output, ReadingProcess(), Silent(), ())))  # type: ignore[arg-type]
        seconds = time.process_time() - start
    if found != photos:
        raise RuntimeError(f"found {found} of {photos}")
    return seconds / photos


def waiting_megabytes(photos: int) -> float:
    """Return what the client keeps of so many photos that are found and wait for a worker."""
    this = psutil.Process()
    before = this.memory_info().rss
    backlog = Backlog()
    seen: set[int] = set()
    for begin in range(0, photos, 1000):
        places = [f"box_{begin // 1000:04d}/page_{number:05d}.tif" for number in range(1000)]
        backlog.add([Task(f"/mnt/scans/{place}", f"/mnt/clean/{place}", 30_000_000) for place in places])
        seen.update(map(hash, places))  # as the search does, to take none twice
    kept = this.memory_info().rss - before
    if len(backlog) < photos:
        raise RuntimeError(f"{len(backlog)} of {photos} wait")
    return kept / 1e6


def answer_all(count: int, topic: str) -> None:
    """Run on a worker: answer as `worker` does, and do nothing else."""
    from distributed import get_worker
    from distributed.utils import sync

    outcome = Outcome(Path("in/IMG_1.png"), Path("out/IMG_1.png"), Status.DONE, 1.0, 24.0)
    this = get_worker()
    for _ in range(count):
        message = packed(Answer(1, outcomes=(outcome,)))
        sync(this.loop, this.scheduler.log_event, topic=topic, msg=message)


def scheduler_seconds(chunks: int, answers: int) -> tuple[float, float]:
    """Seconds that a chunk and an answer take, client and scheduler together."""
    tasks = [Task(f"in/IMG_{number}.png", f"out/IMG_{number}.png", 1) for number in range(PHOTOS_A_CHUNK)]
    with connected(Pool(1)) as connection:
        client = connection.client
        client.submit(len, tasks).result()
        start = time.process_time()
        client.gather([client.submit(len, tasks, key=("chunk", number)) for number in range(chunks)])
        chunk_s = (time.process_time() - start) / chunks
        client.subscribe_topic("answers", lambda event: None)
        start = time.process_time()
        client.submit(answer_all, answers, "answers").result()
        return chunk_s, (time.process_time() - start) / answers


def simulate(
    photos: int, gpus: int, costs_s: dict[str, float], gpu_s: float
) -> tuple[float, dict[str, float]]:
    """Seconds until the last photo is done, and the share of that time that each part is busy; costs are a chunk's."""
    free_at = dict.fromkeys(costs_s, 0.0)
    gpu_free_at = [0.0] * gpus
    chunks = -(-photos // PHOTOS_A_CHUNK)
    end = 0.0
    for _ in range(chunks):
        free_at["finding photos"] += costs_s["finding photos"]
        ready = max(free_at["finding photos"], heapq.heappop(gpu_free_at))
        for part in ("scheduler", "share"):
            ready = free_at[part] = max(ready, free_at[part]) + costs_s[part]
        heapq.heappush(gpu_free_at, ready + gpu_s * PHOTOS_A_CHUNK)
        end = max(end, ready + gpu_s * PHOTOS_A_CHUNK)
    busy = {part: cost * chunks / end for part, cost in costs_s.items()}
    return end, busy | {"GPUs": gpu_s * photos / gpus / end}


def print_simulation(options: argparse.Namespace) -> None:
    """Measure, simulate, print."""
    print(f"{options.photos} photos that wait: {waiting_megabytes(options.photos):.0f} MB")
    find_s = seconds_to_find(options.measured_photos)
    chunk_s, answer_s = scheduler_seconds(options.measured_tasks, options.measured_tasks)
    print(f"measured: finding a photo {find_s * 1e3:.2f} ms, a chunk {chunk_s * 1e3:.2f} ms, ", end="")
    print(f"an answer {answer_s * 1e3:.2f} ms")
    costs_s = {
        "finding photos": find_s * PHOTOS_A_CHUNK,
        "scheduler": chunk_s + answer_s * (PHOTOS_A_CHUNK + 1),
        "share": options.megabytes * PHOTOS_A_CHUNK / options.share_megabytes_per_second,
    }
    for gpus in (1, 10, 100):
        seconds, busy = simulate(options.photos, gpus, costs_s, options.gpu_seconds)
        parts = ", ".join(f"{part} {share:.0%}" for part, share in busy.items())
        print(
            f"{gpus} GPUs: {seconds / 3600:.1f} hours; busy: {parts}; bottleneck: {max(busy, key=busy.__getitem__)}"
        )


def print_processes(options: argparse.Namespace) -> None:
    """Denoise the same photos in both ways, by turns, and print the times and paces of each way and the ratios."""
    os.environ["OMP_NUM_THREADS"] = "2"
    ways: dict[str, list[str]] = {"one process of two threads": [], "two workers": ["--workers", "2"]}
    took: dict[str, list[Took]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").mkdir()
        rng = np.random.default_rng(0)
        side_px = round((options.megapixels * 1e6) ** 0.5)
        for number in range(options.photos):
            pixels = np.clip(rng.normal(120, 20, (side_px, side_px, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "in" / f"{number}.jpg", quality=92)
        for turn in range(options.turns):
            for way, words in ways.items():
                target = folder / f"{turn}{way}"
                command = [sys.executable, "-m", "lgbpn_cli", "denoise", "-q", "--json", str(folder / "in")]
                took[way].append(took_by([*command, "-o", str(target), *words]))
                if len(list(target.iterdir())) != options.photos:
                    raise RuntimeError(f"photos are missing: {way}")
                print(f"{way}: {took[way][-1]}", flush=True)
    one, two = took.values()
    pace = max(each.photos_a_second for each in two) / max(each.photos_a_second for each in one)
    whole = min(each.seconds for each in one) / min(each.seconds for each in two)
    processors = min(each.processor_seconds for each in one) / min(each.processor_seconds for each in two)
    print(
        f"photos a second once started, two workers to one process: {pace:.2f}; with the start: {whole:.2f}; ",
        end="",
    )
    print(f"a second of processors: {processors:.2f}; cores: {len(os.sched_getaffinity(0))}")


@dataclass(frozen=True)
class Took:
    """What a run took."""

    seconds: float
    processor_seconds: float
    """Of all its processes."""
    photos_a_second: float
    """From the first result to the last."""

    def __str__(self) -> str:
        """Return it as it is printed."""
        pace = f"{self.photos_a_second:.2f} photos a second once started"
        return f"{self.seconds:.1f} s, processors {self.processor_seconds:.1f} s, {pace}"


def took_by(command: list[str]) -> Took:
    """Run a command that tells of its photos line by line, and return what it took."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    told = [time.monotonic() for _ in process.stdout]
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    pace = (len(told) - 1) / (told[-1] - told[0])
    return Took(time.monotonic() - start, usage.ru_utime + usage.ru_stime, pace)


def make_archive(folder: Path, photos: int, to_do: int) -> None:
    """Make photos below `folder`/in, and their results below `folder`/out, but for `to_do` of them."""
    first, clean = folder / "in" / box(0), folder / "out" / box(0)
    first.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(PHOTOS_A_FOLDER):
        scene = np.linspace(60, 180, SIZE_PX[0])[:, None] + rng.uniform(-40, 40, 3)
        noisy = scene + rng.normal(0, 12, (SIZE_PX[1], SIZE_PX[0], 3))
        Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(first / f"page_{number:03d}.png")
    subprocess.run([sys.executable, FREE_COMMAND, "denoise", "-q", first, "-o", clean], check=True)
    boxes = photos // PHOTOS_A_FOLDER
    for number in range(1, boxes):
        link_all(first, folder / "in" / box(number))
        if number < boxes - to_do // PHOTOS_A_FOLDER:
            link_all(clean, folder / "out" / box(number))


def box(number: int) -> str:
    """Return the name of a folder of photos."""
    return f"box_{number:04d}"


def link_all(old: Path, new: Path) -> None:
    """Make a folder of hard links to all files of another one."""
    new.mkdir()
    for entry in os.scandir(old):
        os.link(entry.path, new / entry.name)


def run_and_watch(folder: Path, name: str, workers: int, every_s: int) -> None:
    """Run the command, print the memory of its processes on the way, and what it said at the end."""
    words = ["denoise", "-r", folder / "in", "-o", folder / "out", "--json", "--workers", workers]
    rows, messages = folder / f"{name}.jsonl", folder / f"{name}.txt"
    with rows.open("wb") as stdout, messages.open("wb") as stderr:
        process = psutil.Popen([sys.executable, FREE_COMMAND, *map(str, words)], stdout=stdout, stderr=stderr)
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


def print_million(options: argparse.Namespace) -> None:
    """Make the archive unless it is there, and give the command twice."""
    if not options.folder.exists():
        make_archive(options.folder, options.photos, options.to_do)
    for name in ("first", "second"):
        run_and_watch(options.folder, name, options.workers, options.every_s)


def main() -> None:
    """Do what the words ask for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_subparsers(required=True)
    simulation = what.add_parser("simulate")
    simulation.set_defaults(do=print_simulation)
    simulation.add_argument("--photos", type=int, default=1_000_000)
    simulation.add_argument(
        "--gpu-seconds", type=float, default=0.6, help="a GPU's for a photo of 24 MP (assumed)"
    )
    simulation.add_argument(
        "--megabytes", type=float, default=60.0, help="read and written for a photo (assumed)"
    )
    simulation.add_argument("--share-megabytes-per-second", type=float, default=1000.0, help="assumed")
    simulation.add_argument("--measured-photos", type=int, default=5000)
    simulation.add_argument("--measured-tasks", type=int, default=500)
    processes = what.add_parser("processes")
    processes.set_defaults(do=print_processes)
    processes.add_argument("--photos", type=int, default=24)
    processes.add_argument("--megapixels", type=float, default=1.0)
    processes.add_argument("--turns", type=int, default=2)
    million = what.add_parser("million")
    million.set_defaults(do=print_million)
    million.add_argument("--folder", type=Path, required=True, help="a new one, or that of an earlier run")
    million.add_argument("--photos", type=int, default=1_000_000)
    million.add_argument("--to-do", type=int, default=20_000)
    million.add_argument("--workers", type=int, default=1)
    million.add_argument("--every-s", type=int, default=10)
    options = parser.parse_args()
    options.do(options)


if __name__ == "__main__":
    main()
