"""The whole command with an identity network over every real file: the same pixels, the same tags."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from small_photos import Lgbpn

from lgbpn_cli.photos.raw.demosaic import PEDESTAL
from lgbpn_cli.photos.read import read_photo

FOLDERS = [
    "phone-highiso", "raw", "odd/cmyk", "odd/heic_photo", "odd/invalid_jpg", "odd/malformed", "odd/modes",
    "odd/tiff16_png16",
]  # fmt: skip
LARGEST_SHIFT_LEVELS = 0.3
"""Of a channel's mean, in 8-bit levels."""
DESCRIBING_TAGS = (
    "-Make", "-Model", "-LensModel", "-ISO", "-ExposureTime", "-FNumber", "-FocalLength", "-DateTimeOriginal",
    "-Artist", "-Copyright", "-GPSLatitude", "-GPSLongitude", "-SerialNumber", "-XMP:Rating", "-IPTC:Keywords",
)  # fmt: skip


@pytest.fixture
def identity(fake_rooms: dict[str, ModuleType], lgbpn: Lgbpn) -> Lgbpn:
    """`lgbpn` with a network that changes nothing."""

    def run_network(image: Any, *_: Any, into: Any, **__: Any) -> None:
        everything = slice(0, image.shape[0]), slice(0, image.shape[1])
        into[everything] = image[everything]

    fake_rooms["lgbpn_cli.inference.run"].run_network = run_network  # type: ignore[attr-defined]
    return lgbpn


def described(path: Path) -> dict[str, object]:
    answer = subprocess.run(
        ["exiftool", "-json", "-n", "-fast", *DESCRIBING_TAGS, str(path)], capture_output=True, check=False
    )
    found: dict[str, object] = json.loads(answer.stdout)[0]
    del found["SourceFile"]
    return found


@pytest.mark.parametrize("folder", FOLDERS)
def test_an_identity_network_loses_nothing(
    identity: Lgbpn, data_root: Path, tmp_path: Path, folder: str
) -> None:
    result = identity("denoise", data_root / folder, "-o", tmp_path, "--json", "--raw-path", "demosaiced")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert rows
    assert result.exit_code == (1 if any(row["status"] == "failed" for row in rows) else 0)
    assert len(list(tmp_path.rglob("*"))) == sum(row["status"] == "done" for row in rows)
    for row in rows:
        if row["status"] != "done":
            assert row["error"].endswith("."), row
            continue
        assert row["colour_shift_levels"] == pytest.approx([0.0] * len(row["colour_shift_levels"]), abs=1e-3)
        before, after = read_photo(Path(row["source"])), read_photo(Path(row["target"]))
        assert after.bit_depth == before.bit_depth
        if (
            after.format == "raw"
        ):  # LibRaw balances and rounds in between; a DNG's black is 0, and ends what is below
            above_black = np.maximum(before.pixels, PEDESTAL).astype(int)
            assert np.abs(after.pixels.astype(int) - above_black).max() <= 3
        elif after.format in ("png", "tiff"):
            exact = 1e-6 if before.linear else 0  # through the curve and back in 32 bits
            assert np.allclose(after.pixels, before.pixels, rtol=0, atol=exact)
        else:
            shift = after.pixels.mean((0, 1)) - before.pixels.mean((0, 1))
            assert np.abs(shift).max() <= LARGEST_SHIFT_LEVELS, row
        if before.alpha is not None:
            assert np.array_equal(after.alpha, before.alpha)
        if shutil.which("exiftool") and not row["source"].endswith(".CRW"):  # which keeps rounded ones only
            assert described(Path(row["target"])) == described(Path(row["source"])), row
