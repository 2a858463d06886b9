"""The photos a model is fine-tuned on: which are used, which are left out and why, and which are held out.

Tiles of the photos are kept in the run's folder and read from there as they are needed: memory stays small, and a run
that is resumed sees the same photos, whatever has become of their folder.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lgbpn_cli.config.file_names import EVERY_NAME, NamePatterns, is_system_folder
from lgbpn_cli.denoise.working import to_working
from lgbpn_cli.errors import PhotoError, TrainingError, UsageError, unforeseen
from lgbpn_cli.noise.estimator import cell_levels
from lgbpn_cli.noise.measure import NoiseMeasurement, measure_noise
from lgbpn_cli.photos.header import open_regular
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.prepare import read_guarded
from lgbpn_cli.photos.reading_process import ReadingProcess
from lgbpn_cli.photos.record import read_record
from lgbpn_cli.photos.shot import Shot, shot_of
from lgbpn_cli.photos.suffixes import PHOTO_SUFFIXES
from lgbpn_cli.training.engine.kept_json import keep_json
from lgbpn_cli.training.noise.jpeg_tables import JpegTables, jpeg_tables, usual_tables

SMALLEST_SIDE_PX = 160
"""Photos with a shorter side hold hardly a training crop without its rim."""
CLEANEST_LEVEL_8BIT = 1.5
"""Photos with less noise have nothing to teach."""
TILE_PX = 384
TILES_A_PHOTO = 16
"""Large photos are used by so many tiles at most, spread evenly."""
PATIENCE = 2.0
"""So many times longer than it should a scan may take; then the two photos that there must be are enough."""
MOST_NAMED = 10
"""So many files that cannot be read are named; the others are counted."""
UNREADABLE = "not readable"
DIGEST_CHUNK_BYTES = 1 << 20
"""Files are compared by so much at a time."""
HELD_OUT_SHARE, FEWEST_HELD_OUT, MOST_HELD_OUT_SHARE = 0.2, 4, 1 / 3
"""Share of the photos that is held out; of few photos more, up to four: one or two may be unlike all others."""
INDEX_NAME = "photos.json"


@dataclass(frozen=True)
class KeptPhoto:
    """One photo of a run: where its tiles lie, and what is known of it. No file name of the user's."""

    tiles: str
    """File name below the run's folder; an array (n, h, w, 3) of uint8."""
    camera: str
    iso: int
    level_8bit: float
    """Its noise."""
    neighbour_correlation: float
    """Correlation of the noise of direct neighbours."""
    held_out: bool = False
    """Only ever used to judge."""
    is_frame: bool = False
    """A dark or even frame: its noise is measured, and nothing else is learned from it."""
    jpeg: JpegTables | None = None
    """How it is coded, if it is a JPEG."""

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> KeptPhoto:
        """Return what `asdict` made of one, JSON behind it; of older versions, too."""
        jpeg = kept.get("jpeg")
        tables = jpeg and JpegTables(tuple(jpeg["grey"]), tuple(jpeg["colours"]), jpeg["subsampling"])
        return cls(**{**kept, "jpeg": tables or None})

    @property
    def shot(self) -> Shot:
        """Camera and ISO."""
        return Shot(self.camera, self.iso)


@dataclass(frozen=True)
class RunTiles:
    """The tiles of a run's photos, (h, w, 3) each, read from the disk as they are needed."""

    learned: list[NDArray[np.uint8]]
    held_out: list[NDArray[np.uint8]]
    frames: list[NDArray[np.uint8]]
    """Dark or even ones."""
    jpeg: JpegTables | None = None
    """How the photos are coded, as a rule."""


@dataclass(frozen=True)
class ScanEffort:
    """How many photos are looked for, and for how long."""

    time_limit_s: float = math.inf
    """After it no more photos are looked at, if there are a few."""
    fewest_in_time: int = 10
    """Photos are looked at until so many are found, though it takes longer than it should."""
    most_photos: int = 400
    """Among more, so many are drawn: what one camera's noise is like needs no more."""
    say_every_s: float = 10.0
    """So often it is said how far the scan is."""


@dataclass
class Scan:
    """What was found in a folder."""

    photos: list[KeptPhoto] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    """How many photos were left out, by reason."""
    unread: int = 0
    """Photos that were not looked at because there were enough, or because it took too long."""
    out_of_time: bool = False
    """It took too long."""

    def notes(self) -> list[str]:
        """Return what the user should know, a line each."""
        lines = [f"{len(self.photos)} photos to learn from"]
        if self.left_out:
            lines.append(f"left out: {', '.join(f'{n} {why}' for why, n in sorted(self.left_out.items()))}")
        if self.unread:
            enough = f"{len(self.photos)} are enough"
            why = "reading them takes too much of the time" if self.out_of_time else enough
            lines.append(f"{self.unread} further photos were not looked at: {why}")
        return lines


def photo_paths(folder: Path, patterns: NamePatterns = EVERY_NAME) -> Iterator[Path]:
    """Give the photo files below `folder` that fit, as the file system gives them.

    Hidden files and folders of systems and programs are passed over.
    """
    for top, folders, names in os.walk(folder):
        here = Path(top).relative_to(folder)
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and not is_system_folder(name)
            and not patterns.excludes_folder(here / name)
        )
        for name in names:
            if name.startswith(".") or Path(name).suffix.lower() not in PHOTO_SUFFIXES:
                continue
            if patterns.reason_against(here / name) is None:
                yield Path(top) / name


def scan_photos(
    folder: Path,
    run_folder: Path,
    *,
    seed: int,
    names: NamePatterns = EVERY_NAME,
    effort: ScanEffort = ScanEffort(),
    say: Callable[[str], None] = lambda text: None,
) -> Scan:
    """Read the photos below `folder`, keep tiles of those that can teach in `run_folder`, and return what was found.

    `names` chooses among them. One photo at a time is in memory. `say` is told which files cannot be read, and now and
    then how far it is. Raises UsageError where there is no such folder or too little is found.
    """
    check_folder(folder)
    paths = sorted(photo_paths(folder, names))
    np.random.default_rng(seed).shuffle(paths)
    with ReadingProcess() as reading:
        scan = _scan(paths, run_folder, reading, effort, say)
    if len(scan.photos) < 2:
        there = "; ".join(scan.notes()[1:]) or "there are no others"
        raise UsageError(
            folder,
            f"{len(scan.photos)} of its photos can be learned from, and at least two are needed: one is held out "
            f"to judge by ({there})",
            "Give more photos of high ISO, straight from the camera.",
        )
    return scan


def _scan(
    paths: Sequence[Path],
    run_folder: Path,
    reading: ReadingProcess,
    effort: ScanEffort,
    say: Callable[[str], None],
) -> Scan:
    scan, seen, shots = Scan(), set[bytes](), set[Path]()
    started = said = time.monotonic()
    for number, path in enumerate(paths):
        now = time.monotonic()
        enough = effort.fewest_in_time if now - started <= PATIENCE * effort.time_limit_s else 2
        scan.out_of_time = len(scan.photos) >= enough and now - started > effort.time_limit_s
        if scan.out_of_time or len(scan.photos) == effort.most_photos:
            scan.unread = len(paths) - number
            break
        if now - said > effort.say_every_s:
            said = now
            say(f"looked at {number} of {len(paths)} photos: {len(scan.photos)} to learn from")
        shot = path.with_suffix("")
        try:
            # Raw file and JPEG of one shot hold the same noise: one could teach what the other is to judge.
            known = shot in shots
            found = "another file of the same shot" if known else _keep(path, run_folder, scan, seen, reading)
        except TrainingError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever one photo does to any library, the others go on
            found = UNREADABLE
            if scan.left_out[found] < MOST_NAMED:
                say(f"left out: {error if isinstance(error, PhotoError) else unforeseen(path, error)}")
        if isinstance(found, KeptPhoto):
            scan.photos.append(found)
            shots.add(shot)
        else:
            scan.left_out[found] += 1
    if (unnamed := scan.left_out[UNREADABLE] - MOST_NAMED) > 0:
        say(f"left out: {unnamed} more files that cannot be read either")
    return scan


def check_folder(folder: Path, cure: str = "Name the folder of your noisy photos.") -> None:
    """Raise UsageError for what is not a folder."""
    if folder.is_dir():
        return
    is_file = folder.exists()
    cause = (
        "it is a file, and one photo is not enough to learn from" if is_file else "there is no such folder"
    )
    raise UsageError(folder, cause, cure)


def _keep(
    path: Path, run_folder: Path, scan: Scan, seen: set[bytes], reading: ReadingProcess
) -> KeptPhoto | str:
    """Return the photo, its tiles now kept, or the reason why it is left out; PhotoError if it cannot be read."""
    if read_record(path) is not None:
        return "made by lgbpn"
    if not _is_new(_file_digest(path), seen):  # a copy is known without being decoded
        return "given twice"
    photo = read_guarded(reading, path)
    if min(photo.pixels.shape[:2]) < SMALLEST_SIDE_PX:
        return f"smaller than {SMALLEST_SIDE_PX} px"
    if not _is_new(hashlib.sha256(np.ascontiguousarray(photo.pixels).data).digest(), seen):
        return "given twice"
    image = to_working(photo)
    noise = measure_noise(image, cell_levels())
    if noise.level < CLEANEST_LEVEL_8BIT:
        return "too clean to learn from"
    return keep_photo(photo, image, noise, run_folder / f"{len(scan.photos):05}.npy")


def keep_photo(photo: Photo, image: NDArray[np.float32], noise: NoiseMeasurement, file: Path) -> KeptPhoto:
    """Keep tiles of a photo, whose `image` is (h, w, 3) of 0..1, in `file`."""
    shot, tiles = shot_of(photo), cut_evenly(np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8))
    try:
        np.save(file, tiles)
    except OSError as error:
        raise TrainingError(
            file,
            f"tiles of the photos could not be kept ({error.strerror or 'is the disk full?'})",
            "Free some space and start again.",
        ) from error
    centre = len(noise.correlation) // 2
    neighbours = (noise.correlation[centre][centre + 1] + noise.correlation[centre + 1][centre]) / 2
    tables = jpeg_tables(photo.path)
    return KeptPhoto(file.name, shot.camera, shot.iso, noise.level, neighbours, jpeg=tables)


def _file_digest(path: Path) -> bytes | None:
    try:
        with open_regular(path) as file:
            digest = hashlib.sha256()
            while chunk := file.read(DIGEST_CHUNK_BYTES):
                digest.update(chunk)
            return digest.digest()
    except OSError:
        return None  # its reader will say why


def _is_new(digest: bytes | None, seen: set[bytes]) -> bool:
    """Return whether the digest was not seen yet; it is from now on."""
    if digest is None:
        return True
    if digest in seen:
        return False
    seen.add(digest)
    return True


def cut_evenly(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return tiles of `photo` (h, w, 3), spread evenly: (n, h, w, 3)."""
    height, width = photo.shape[:2]
    tall, wide = min(height, TILE_PX), min(width, TILE_PX)
    a_side = int(TILES_A_PHOTO**0.5)
    tops, lefts = (
        sorted({int(start) for start in np.linspace(0, side - length, min(a_side, -(-side // length)))})
        for side, length in ((height, tall), (width, wide))
    )
    return np.stack([photo[top : top + tall, left : left + wide] for top in tops for left in lefts])


def hold_out(photos: Sequence[KeptPhoto], seed: int) -> list[KeptPhoto]:
    """Return the photos with a fifth of them held out, of few up to a third; whole files, drawn by the seed."""
    few = min(FEWEST_HELD_OUT, int(MOST_HELD_OUT_SHARE * len(photos)))
    count = max(1, few, round(HELD_OUT_SHARE * len(photos)))
    chosen = set(np.random.default_rng(seed).permutation(len(photos))[:count].tolist())
    return [replace(each, held_out=i in chosen) for i, each in enumerate(photos)]


def write_index(photos: Sequence[KeptPhoto], run_folder: Path) -> None:
    """Write down which tiles belong to a run."""
    keep_json(run_folder / INDEX_NAME, [asdict(each) for each in photos])


def read_index(run_folder: Path) -> list[KeptPhoto]:
    """Return what `write_index` wrote. Raises TrainingError where it is not there or damaged."""
    path = run_folder / INDEX_NAME
    try:
        return [KeptPhoto.from_json(each) for each in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise TrainingError(path, "the photos of this run are not there", "Start a new run.") from error


def read_run_tiles(photos: Sequence[KeptPhoto], run_folder: Path) -> RunTiles:
    """Return the tiles of all `photos`, by what they are for. Raises TrainingError for damaged or missing ones."""
    return RunTiles(
        learned=_read_tiles([each for each in photos if not (each.held_out or each.is_frame)], run_folder),
        held_out=_read_tiles([each for each in photos if each.held_out], run_folder),
        frames=_read_tiles([each for each in photos if each.is_frame], run_folder),
        jpeg=usual_tables([each.jpeg for each in photos if not each.is_frame]),
    )


def _read_tiles(photos: Sequence[KeptPhoto], run_folder: Path) -> list[NDArray[np.uint8]]:
    tiles: list[NDArray[np.uint8]] = []
    for photo in photos:
        try:
            tiles += list(np.load(run_folder / photo.tiles, mmap_mode="r"))
        except (OSError, ValueError) as error:
            raise TrainingError(
                run_folder / photo.tiles, "kept tiles are damaged", "Start a new run."
            ) from error
    return tiles
