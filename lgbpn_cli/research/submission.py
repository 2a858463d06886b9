"""The files that the benchmarks' servers take, made from the benchmarks' downloads.

SIDD: BenchmarkNoisyBlocksSrgb.mat in, SubmitSrgb.mat out: a cell (images, blocks) of uint8 blocks, as the
benchmark's own SIDD_Denoise.m writes it. DND: the folder with info.mat and images_srgb/NNNN.mat in, NNNN.mat
out: a cell of 20 boxes of single precision in 0..1, as its bundle_submissions_srgb writes them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lgbpn_cli.errors import PhotoReadError, UsageError
from lgbpn_cli.photos.atomic import replace_file
from lgbpn_cli.research.matlab_blocks import EXPORT, INSTALL, read_blocks

SIDD_FILE = "SubmitSrgb.mat"
DND_VERSION = "1.0"

Denoise = Callable[[np.ndarray], np.ndarray]
OnStep = Callable[[int, int], None]


def write_submission(
    benchmark: str,
    source: Path,
    folder: Path,
    denoise: Denoise,
    *,
    description: dict[str, str],
    on_step: OnStep | None = None,
) -> list[Path]:
    """Return the files for the server, written into `folder`; what is there already is never replaced.

    `denoise` takes (h, w, 3) float32 in 0..1; `description` goes into SIDD's OptionalData. Raises UsageError
    where a library or an input is missing or a result is there already, PhotoReadError for other content.
    """
    try:
        from scipy.io import savemat
    except ImportError as error:
        raise UsageError("`submission`", "it needs SciPy and h5py", INSTALL) from error
    write = _sidd if benchmark == "sidd" else _dnd
    written = []
    for name, contents in write(source, folder, denoise, description, on_step or _silent):
        with replace_file(folder / name) as file:
            savemat(file, contents, do_compression=True)
        written.append(folder / name)
    return written


def _sidd(
    source: Path, folder: Path, denoise: Denoise, description: dict[str, str], on_step: OnStep
) -> Iterator[tuple[str, dict[str, Any]]]:
    _refuse_existing(folder / SIDD_FILE)
    if not source.is_file():
        raise UsageError(source, "there is no such file", "Give BenchmarkNoisyBlocksSrgb.mat.")
    blocks = read_blocks(source)
    images, count = (int(part) for part in list(blocks)[-1].split("_"))
    cell = np.empty((images, count), object)
    seconds = pixels = 0.0
    for done, (name, read) in enumerate(blocks.items(), start=1):
        image = read().astype(np.float32) / np.float32(255)
        start = time.perf_counter()
        clean = denoise(image)
        seconds += time.perf_counter() - start
        pixels += image.shape[0] * image.shape[1]
        row, column = (int(part) - 1 for part in name.split("_"))
        cell[row, column] = np.rint(np.clip(clean, 0, 1) * 255).astype(np.uint8)
        on_step(done, len(blocks))
    yield (
        SIDD_FILE,
        {
            "DenoisedBlocksSrgb": cell,
            "TimeMPSrgb": seconds / (pixels / 1e6),
            "OptionalData": description,
        },
    )


def _dnd(
    source: Path, folder: Path, denoise: Denoise, description: dict[str, str], on_step: OnStep
) -> Iterator[tuple[str, dict[str, Any]]]:
    pictures = sorted((source / "images_srgb").glob("*.mat"))
    if not pictures or not (source / "info.mat").is_file():
        cure = "Give the folder of the benchmark's download."
        raise UsageError(source, "it lacks info.mat or images_srgb/*.mat", cure)
    for picture in pictures:
        _refuse_existing(folder / picture.name)
    all_boxes = _dnd_boxes(source / "info.mat")
    if len(all_boxes) != len(pictures):
        cause = f"it describes {len(all_boxes)} pictures, but there are {len(pictures)}"
        raise PhotoReadError(source / "info.mat", cause, EXPORT)
    done, total = 0, sum(map(len, all_boxes))
    for picture, boxes in zip(pictures, all_boxes, strict=True):
        image = _hdf5_array(picture, "InoisySRGB")
        cell = np.empty((1, len(boxes)), object)
        for index, (top, left, bottom, right) in enumerate(boxes):
            crop = np.ascontiguousarray(image[top - 1 : bottom, left - 1 : right], np.float32)
            cell[0, index] = np.clip(denoise(crop), 0, 1).astype(np.float32)
            done += 1
            on_step(done, total)
        yield picture.name, {"Idenoised": cell, "israw": False, "eval_version": DND_VERSION}


def _dnd_boxes(path: Path) -> list[np.ndarray]:
    """Return each picture's boxes (boxes, 4): first row, first column, last row, last column, from 1 on."""
    with _open_hdf5(path) as file:
        try:
            references = np.asarray(file["info"]["boundingboxes"]).ravel()
            return [np.asarray(file[reference]).transpose().astype(int) for reference in references]
        except (KeyError, ValueError, TypeError) as error:
            raise PhotoReadError(path, "it holds no info.boundingboxes", EXPORT) from error


def _hdf5_array(path: Path, name: str) -> np.ndarray:
    with _open_hdf5(path) as file:
        if name not in file:
            raise PhotoReadError(path, f"it holds no {name}", EXPORT)
        return np.asarray(file[name]).transpose()


def _open_hdf5(path: Path) -> Any:
    try:
        import h5py
    except ImportError as error:
        raise UsageError(path, "reading .mat files of version 7.3 needs h5py", INSTALL) from error
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise PhotoReadError(path, "not a .mat file of version 7.3", EXPORT) from error


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise UsageError(path, "it is there already", "Name another folder with `output`.")


def _silent(done: int, total: int) -> None:
    """Tell nobody."""
