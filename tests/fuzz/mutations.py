"""Seeded damage to files of every kind that is read; no test itself.

    python tests/fuzz/mutations.py 10000 --seed 7

reads and writes so many damaged files, each in the process that photos are read in, and prints what became of them.
Small photos of every kind are made for it; --photos FOLDER takes others. The same seed damages the same files in the
same way. Exit code 1: something else than a photo or a PhotoError.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from png_checksums import with_right_checksums
from small_samples import make_samples

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.errors import PhotoError
from lgbpn_cli.photos.prepare import prepare_photo
from lgbpn_cli.photos.reading_process import ReadingProcess
from lgbpn_cli.photos.record import Record, read_record
from lgbpn_cli.photos.shot import shot_in
from lgbpn_cli.photos.suffixes import PHOTO_SUFFIXES
from lgbpn_cli.photos.write import write_photo

LARGEST_SAMPLE_BYTES = 2_000_000
LARGEST_PIXELS = 30_000_000
TIME_LIMIT_S = 60.0
MARK = Record("1", "m", "{}")
SIZES = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\1", b"\xff\xff", b"\0\0")


@dataclass
class Campaign:
    """What became of the damaged files."""

    outcomes: Counter[str] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    """What must not be, with the seed that gives it again."""
    slowest_s: float = 0.0


def samples_in(folder: Path) -> list[Path]:
    """Return the photos below a folder that are small enough to be read thousands of times."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in PHOTO_SUFFIXES
        and path.is_file()
        and path.stat().st_size <= LARGEST_SAMPLE_BYTES
    ]


def damaged(data: bytes, rng: random.Random, other: bytes) -> bytes:
    """Return the file with one to four wounds, half of them near its beginning, where its structure lies."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        if not changed:
            break
        place = rng.randrange(min(len(changed), 600) if rng.random() < 0.5 else len(changed))
        WOUNDS[rng.randrange(len(WOUNDS))](changed, place, rng, other)
    return bytes(with_right_checksums(changed) if rng.random() < 0.5 else changed)


def _flip(data: bytearray, place: int, rng: random.Random, other: bytes) -> None:
    data[place] ^= 1 << rng.randrange(8)


def _set(data: bytearray, place: int, rng: random.Random, other: bytes) -> None:
    data[place] = rng.randrange(256)


def _size(data: bytearray, place: int, rng: random.Random, other: bytes) -> None:
    value = rng.choice(SIZES)
    data[place : place + len(value)] = value


def _zeros(data: bytearray, place: int, rng: random.Random, other: bytes) -> None:
    length = min(rng.choice((16, 512, 4096)), len(data) - place)
    data[place : place + length] = bytes(length)


def _cut(data: bytearray, place: int, rng: random.Random, other: bytes) -> None:
    del data[place:]


def _remove(data: bytearray, place: int, rng: random.Random, other: bytes) -> None:
    del data[place : place + rng.randint(1, 64)]


def _repeat(data: bytearray, place: int, rng: random.Random, other: bytes) -> None:
    data[place:place] = data[place : place + rng.randint(1, 200)] * rng.randint(1, 20)


def _graft(data: bytearray, place: int, rng: random.Random, other: bytes) -> None:
    begin = rng.randrange(len(other))
    data[place : place + 200] = other[begin : begin + 200]


def _tail(data: bytearray, place: int, rng: random.Random, other: bytes) -> None:
    data += rng.choice((bytes(100_000), other[:5000], rng.randbytes(300)))


WOUNDS: tuple[Callable[[bytearray, int, random.Random, bytes], None], ...] = (
    _flip, _set, _set, _size, _zeros, _cut, _remove, _repeat, _graft, _tail,
)  # fmt: skip


def run(samples: list[Path], files: int, seed: int, folder: Path) -> Campaign:
    """Damage, read and write so many files in `folder`."""
    campaign = Campaign()
    contents = {path: path.read_bytes() for path in samples}
    output = OutputConfig(max_pixels=LARGEST_PIXELS)
    with ReadingProcess(time_limit_s=TIME_LIMIT_S) as reading:
        for number, (sample, data) in enumerate(_damaged_files(contents, files, seed)):
            bad = folder / f"bad{sample.suffix.lower()}"
            bad.write_bytes(data)
            start = time.perf_counter()
            try:
                outcome = _read_and_write(reading, bad, output, folder / "written")
            except PhotoError as error:
                outcome = "refused"
                campaign.causes[error.cause[:60]] += 1
                if "crashed" in error.cause or "longer than" in error.cause or "\n" in str(error):
                    campaign.faults.append(f"{seed}:{number} {sample.name}: {error.cause}")
            except Exception as error:  # noqa: BLE001 - what must not be
                outcome = "unforeseen"
                campaign.faults.append(f"{seed}:{number} {sample.name}: {type(error).__name__}: {error}")
            campaign.outcomes[outcome] += 1
            campaign.slowest_s = max(campaign.slowest_s, time.perf_counter() - start)
    return campaign


def _damaged_files(contents: dict[Path, bytes], files: int, seed: int) -> Iterator[tuple[Path, bytes]]:
    """Return pairs of a sample and its damaged contents; each depends on the seed and its number alone."""
    paths = list(contents)
    for number in range(files):
        rng = random.Random(f"{seed}:{number}")
        sample = rng.choice(paths)
        yield sample, damaged(contents[sample], rng, contents[rng.choice(paths)])


def _read_and_write(reading: ReadingProcess, bad: Path, output: OutputConfig, written: Path) -> str:
    """Return what became of one file; a result has to say what made it and to be read again in its size."""
    reading.call(bad, read_record, bad)
    reading.call(bad, shot_in, bad)
    photo, _ = prepare_photo(reading, bad, output)
    target = written.with_suffix(f".{photo.format}")
    write_photo(photo, target, record=MARK)
    if read_record(target) != MARK:
        raise ValueError("its result does not say what made it")
    again, _ = prepare_photo(reading, target, OutputConfig())
    if again.pixels.shape[:2] != photo.pixels.shape[:2] and photo.format != "avif":  # which is turned upright
        raise ValueError("its result has another size")
    return "damage told" if photo.damage else "read"


def main() -> None:
    """Run a campaign and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("files", type=int, help="how many damaged files")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--photos", type=Path, help="folder of whole photos")
    options = parser.parse_args()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "samples"
        made.mkdir()
        samples = make_samples(made) if options.photos is None else samples_in(options.photos)
        campaign = run(samples, options.files, options.seed, Path(folder))
    print(f"{options.files} files in {time.perf_counter() - start:.0f} s, slowest {campaign.slowest_s:.1f} s")
    print(dict(campaign.outcomes))
    for cause, number in campaign.causes.most_common(12):
        print(f"  {number:6} {cause}")
    for fault in campaign.faults:
        print(f"FAULT {fault}")
    sys.exit(1 if campaign.faults else 0)


if __name__ == "__main__":
    main()
