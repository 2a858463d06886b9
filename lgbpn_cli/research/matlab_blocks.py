"""The SIDD benchmark's MATLAB files of picture blocks, in both of MATLAB's layouts.

ValidationNoisyBlocksSrgb.mat and ValidationGtBlocksSrgb.mat hold one array (images, blocks, h, w, 3) of
uint8. Up to version 7 a .mat file is MATLAB's own format, which SciPy reads; a version 7.3 file is HDF5 with
the axes in reverse order, which h5py reads.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from lgbpn_cli.errors import PhotoReadError, UsageError

MATLAB_SUFFIX = ".mat"
HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
HDF5_OFFSETS = (0, 512)
"""MATLAB puts 512 bytes of its own before the HDF5 part."""
INSTALL = "Install them with: pip install scipy h5py"
EXPORT = "Give the benchmark's file as it was downloaded."

ReadBlock = Callable[[], np.ndarray]


def read_blocks(path: Path) -> dict[str, ReadBlock]:
    """Return the blocks of a .mat file by name, IMAGE_BLOCK from 01 on, each as a function that reads it.

    The functions return (h, w, 3) uint8. Raises UsageError where SciPy or h5py is missing, PhotoReadError for
    a damaged file or one without such an array.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HDF5_OFFSETS[-1] + len(HDF5_SIGNATURE))
    except OSError as error:
        raise PhotoReadError(
            path, f"cannot be read ({error.strerror})", "Check its name and permissions."
        ) from error
    is_hdf5 = any(head.startswith(HDF5_SIGNATURE, offset) for offset in HDF5_OFFSETS)
    array = _Hdf5Blocks(path) if is_hdf5 else _read_version_5(path)
    images, blocks = array.shape[:2]
    return {
        f"{image + 1:02d}_{block + 1:02d}": partial(_read_block, array, image, block)
        for image in range(images)
        for block in range(blocks)
    }


def _read_block(array: Any, image: int, block: int) -> np.ndarray:
    return np.ascontiguousarray(array[image, block])


def _read_version_5(path: Path) -> np.ndarray:
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise UsageError(path, "reading .mat files needs SciPy and h5py", INSTALL) from error
    try:
        variables = loadmat(path)
    except (ValueError, TypeError, OSError, NotImplementedError, KeyError, EOFError) as error:
        raise PhotoReadError(path, f"not a readable .mat file ({_first_line(error)})", EXPORT) from error
    arrays = [value for name, value in variables.items() if not name.startswith("_") and _is_blocks(value, 4)]
    if len(arrays) != 1:
        raise PhotoReadError(path, "it holds no single array (images, blocks, h, w, 3) of uint8", EXPORT)
    return np.asarray(arrays[0])


class _Hdf5Blocks:
    """The array of a version 7.3 file, read block by block; axes as in the other layout."""

    def __init__(self, path: Path) -> None:
        try:
            import h5py
        except ImportError as error:
            raise UsageError(path, "reading .mat files of version 7.3 needs h5py", INSTALL) from error
        try:
            self._file = h5py.File(path, "r")
            arrays = [
                item for item in self._file.values() if isinstance(item, h5py.Dataset) and _is_blocks(item, 0)
            ]
        except OSError as error:
            raise PhotoReadError(path, f"not a readable .mat file ({_first_line(error)})", EXPORT) from error
        if len(arrays) != 1:
            raise PhotoReadError(path, "it holds no single array (images, blocks, h, w, 3) of uint8", EXPORT)
        self._array = arrays[0]
        self.shape = tuple(reversed(self._array.shape))

    def __getitem__(self, place: tuple[int, int]) -> np.ndarray:
        image, block = place
        reversed_block: np.ndarray = self._array[:, :, :, block, image]
        return reversed_block.transpose()


def _is_blocks(value: Any, colour_axis: int) -> bool:
    return bool(len(value.shape) == 5 and value.shape[colour_axis] == 3 and value.dtype == np.uint8)


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:120]
