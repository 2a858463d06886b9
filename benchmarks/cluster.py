"""What photos on several processes and machines cost beside their denoising.

    python benchmarks/cluster.py simulate --gpu-seconds 0.6 --share-megabytes-per-second 1000
    python benchmarks/cluster.py million --folder /dev/shm/million
    python benchmarks/cluster.py processes --photos 8

`simulate`: how a million photos would go over 1, 10 and 100 GPUs. Measured here, in seconds of processors: what a chunk
and an answer cost client and scheduler, and what finding a photo costs the client; and the memory of photos that wait.
Given: how long a GPU takes for a photo, and what the share with the photos delivers and takes. One server each stands
for client, scheduler and share; a chunk passes through them in this order, and waits where one is busy.

`million`: the command itself over so many files, with workers that load their model, and then make an empty file for
each photo. Printed is the memory of the process that is client and scheduler, as the run goes on. `--names-only` makes
no photos: the search is a list of names, which the client has soon.

`processes`: the same photos by one process of two threads, and by two workers of one thread each.
"""

from __future__ import annotations

import argparse
import heapq
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from lgbpn_cli.batch.cluster import search, worker
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


def make_nothing(
    ready: worker._Ready, chunk: int, tasks: Sequence[Task], say: Callable[[Answer], None]
) -> None:
    """Stand for `worker.run_chunk`: an empty file is the result of every photo."""
    with worker.Teller(chunk, say, patience_s=2 * ready.order.output.photo_time_limit_s) as listener:
        for folder in {Path(task.target).parent for task in tasks}:
            folder.mkdir(parents=True, exist_ok=True)
        for task in tasks:
            Path(task.target).touch()
            listener.finished(Outcome(Path(task.source), Path(task.target), Status.DONE, 0.001, 0.01))


def list_names(photos: int, inputs: Sequence[Path], output: OutputConfig, *_: object) -> Iterator[list[Task]]:
    """Stand for `search.find_tasks`: yield so many photos, of which there are only the names."""
    seen: set[int] = set()
    for begin in range(0, photos, 1000):
        places = [f"box_{begin // 1000:05d}/page_{number:07d}.png" for number in range(begin, begin + 1000)]
        seen.update(map(hash, places))  # as the search does, to take none twice
        yield [Task(f"{inputs[0]}/{place}", f"{output.output}/{place}", 0) for place in places]


def print_million(options: argparse.Namespace) -> None:
    """Make the files, run the command over them, print its memory on the way, and count what is there at the end."""
    source, target = options.folder / "in", options.folder / "out"
    if options.names_only:
        source.mkdir(parents=True, exist_ok=True)
    for number in range(0 if source.exists() else options.photos):
        folder = source / f"box_{number // options.photos_a_folder:05d}"
        if number % options.photos_a_folder == 0:
            folder.mkdir(parents=True)
        os.close(os.open(folder / f"page_{number:07d}.png", os.O_CREAT | os.O_WRONLY))
    names = options.photos if options.names_only else 0
    words = [sys.executable, __file__, "lgbpn", names, "denoise", "-r", source, "-o", target, "--json"]
    words += ["--workers", options.workers]
    rows = options.folder / "results.jsonl"
    with rows.open("wb") as stdout, (options.folder / "messages.txt").open("wb") as stderr:
        run = psutil.Popen(list(map(str, words)), stdout=stdout, stderr=stderr)
    print("seconds, photos told of, MB of client and scheduler, MB of the largest worker", flush=True)
    start = time.monotonic()
    peak = seconds = done = 0
    with rows.open("rb") as told:
        while run.poll() is None:
            seconds += options.every_s
            while time.monotonic() < start + seconds and run.poll() is None:
                time.sleep(0.2)
                peak = max(peak, resident_bytes(run))
                while block := told.read(1 << 20):
                    done += block.count(b"\n")
            workers = max((resident_bytes(child) for child in children_of(run)), default=0)
            print(f"{seconds:6d} {done:8d} {resident_bytes(run) / 1e6:6.0f} {workers / 1e6:6.0f}", flush=True)
    there = sum(len(files) for _, _, files in os.walk(target))
    print(f"exit code {run.returncode}, {time.monotonic() - start:.0f} s, {done} told of, {there} there")
    print(f"client and scheduler {peak / 1e6:.0f} MB at most")


def children_of(process: psutil.Process) -> list[psutil.Process]:
    """Return the processes below one, none where it has ended."""
    try:
        found: list[psutil.Process] = process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return found


def resident_bytes(process: psutil.Process) -> int:
    """Return the memory of a process, 0 where it has ended."""
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def print_processes(options: argparse.Namespace) -> None:
    """Denoise the same photos in both ways, by turns, and print the time of each way and the ratios."""
    os.environ["OMP_NUM_THREADS"] = "2"
    ways: dict[str, list[str]] = {"one process of two threads": [], "two workers": ["--workers", "2"]}
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
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
                command = [sys.executable, "-m", "lgbpn_cli", "denoise", "-q", str(folder / "in")]
                took[way].append(seconds_of([*command, "-o", str(target), *words]))
                if len(list(target.iterdir())) != options.photos:
                    raise RuntimeError(f"photos are missing: {way}")
                print(f"{way}: {took[way][-1][0]:.1f} s, processors {took[way][-1][1]:.1f} s", flush=True)
    one, two = (tuple(map(min, zip(*each, strict=True))) for each in took.values())
    print(f"photos a second, two workers to one process: {one[0] / two[0]:.2f}; ", end="")
    print(f"a second of processors: {one[1] / two[1]:.2f}; cores: {len(os.sched_getaffinity(0))}")


def seconds_of(command: list[str]) -> tuple[float, float]:
    """Return the seconds of the clock and of processors that a command takes, all processes below it included."""
    start = time.monotonic()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime


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
    run = what.add_parser("million")
    run.set_defaults(do=print_million)
    run.add_argument("--folder", type=Path, required=True, help="empty, best in memory; or of an earlier run")
    run.add_argument("--photos", type=int, default=1_000_000)
    run.add_argument("--photos-a-folder", type=int, default=1000)
    run.add_argument("--workers", type=int, default=2)
    run.add_argument("--every-s", type=int, default=30)
    run.add_argument("--names-only", action="store_true")
    processes = what.add_parser("processes")
    processes.set_defaults(do=print_processes)
    processes.add_argument("--photos", type=int, default=8)
    processes.add_argument("--megapixels", type=float, default=1.0)
    processes.add_argument("--turns", type=int, default=2)
    options = parser.parse_args()
    options.do(options)


if __name__ == "__mp_main__":  # in the workers of the command over a million
    worker.run_chunk = make_nothing
if __name__ == "__main__":
    if sys.argv[1:2] == ["lgbpn"]:
        from lgbpn_cli.__main__ import main as lgbpn

        if names := int(sys.argv[2]):
            search.find_tasks = partial(list_names, names)
        del sys.argv[1:3]
        lgbpn()
    else:
        main()
