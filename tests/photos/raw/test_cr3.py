"""Canon's CR3: EXIF, maker note, GPS and XMP come along into the DNG, as exiftool sees them."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from lgbpn_cli.photos.photo import Camera, Metadata, Photo
from lgbpn_cli.photos.raw.cr3 import cr3_metadata
from lgbpn_cli.photos.raw.dng import DngContainer
from lgbpn_cli.photos.write import write_photo

NAME = "raw/Canon-R6-pruned.CR3"
STRAIGHT = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
STORAGE = (
    "ImageWidth", "ImageHeight", "Compression", "StripOffsets", "StripByteCounts", "BitsPerSample", "JpgFromRaw",
    "PreviewImage", "Thumbnail", "PhotometricInterpretation", "PlanarConfiguration", "SamplesPerPixel", "RowsPerStrip",
    "SubfileType", "CompressorVersion", "ThumbnailImage",
)  # fmt: skip


def tags_of(path: Path) -> dict[str, object]:
    command = ["exiftool", "-json", "-G1", "-a", "-n", "-EXIF:all", "-MakerNotes:all", "-XMP:all", str(path)]
    found: dict[str, object] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)[0]
    return {
        name: value
        for name, value in found.items()
        if name.startswith(("IFD0:", "ExifIFD:", "GPS:", "Canon", "XMP-")) and not name.endswith(STORAGE)
    }


def test_all_that_a_cr3_says_is_in_the_dng(data_root: Path, tmp_path: Path) -> None:
    if shutil.which("exiftool") is None:
        pytest.skip("exiftool is not installed (Debian: libimage-exiftool-perl)")
    with (data_root / NAME).open("rb") as file:
        metadata = cr3_metadata(file)
    camera = Camera("Canon", "Canon EOS R6", (2.0, 1.0, 1.5), STRAIGHT, STRAIGHT, (0, 0, 64, 48))
    photo = Photo(
        tmp_path / "a.cr3", np.full((48, 64, 3), 999, np.uint16), None, "dng", 1, DngContainer(), metadata,
        linear=True, camera=camera,
    )  # fmt: skip
    write_photo(photo, tmp_path / "result.dng")
    before, after = tags_of(data_root / NAME), tags_of(tmp_path / "result.dng")
    assert len([name for name in before if name.startswith("Canon")]) > 100
    assert {
        name: (value, after.get(name)) for name, value in before.items() if after.get(name) != value
    } == {}


@pytest.mark.parametrize(
    ("share", "is_told"), [(0.0, False), (0.001, False), (0.01, False), (0.05, False), (0.5, True)]
)
def test_a_cut_cr3_says_less_and_raises_nothing(data_root: Path, share: float, is_told: bool) -> None:
    data = (data_root / NAME).read_bytes()
    found = cr3_metadata(io.BytesIO(data[: int(len(data) * share)]))
    assert found == (cr3_metadata(io.BytesIO(data)) if is_told else Metadata())


def test_damage_anywhere_in_the_boxes_raises_nothing(data_root: Path, tmp_path: Path) -> None:
    whole = (data_root / NAME).read_bytes()[:40_000]
    generator = np.random.default_rng(0)
    for _ in range(300):
        data = bytearray(whole)
        for place in generator.integers(0, len(data), 20):
            data[place] = generator.integers(0, 256)
        (tmp_path / "a.cr3").write_bytes(data)
        with (tmp_path / "a.cr3").open("rb") as file:
            cr3_metadata(file)
