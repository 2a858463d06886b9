"""What memory a photo takes beside the network: what its reader took, and what its writer will take."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from photo_samples import smooth
from PIL import Image

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.photos.convert import as_result
from lgbpn_cli.photos.encoding_cost import around_bytes, writing_bytes
from lgbpn_cli.photos.prepare import prepare_photo
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.reading_process import ReadingProcess

PIXELS = 200 * 300


def test_a_photo_tells_what_its_reader_needed_also_as_another_type(tmp_path: Path) -> None:
    path = tmp_path / "a.avif"
    Image.fromarray(smooth(200, 300)).save(path)
    photo = read_photo(path)
    assert 12 * PIXELS < photo.reading_bytes < 18 * PIXELS + 4 * path.stat().st_size
    assert around_bytes(as_result(photo, OutputConfig(format="png"))) == photo.reading_bytes


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process's peak")
def test_a_photo_for_the_network_tells_what_its_reader_took(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    Image.fromarray(smooth(2000, 3000)).save(path)
    expected = read_photo(path).reading_bytes
    with ReadingProcess() as reading:
        photo, _ = prepare_photo(reading, path, OutputConfig())
    assert photo.pixels.nbytes < photo.reading_bytes < 1.5 * expected


@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "avif", "tiff", "jxl"])
def test_a_writer_takes_the_result_and_its_own_copies(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(smooth(200, 300)).save(path)
    photo = replace(as_result(read_photo(path), OutputConfig(format=name)), reading_bytes=0)
    assert 3 * PIXELS < writing_bytes(photo) == around_bytes(photo) < 30 * 3 * PIXELS
    if name not in ("jpeg", "webp"):
        deep = replace(photo, pixels=photo.pixels.astype(np.uint16))
        assert writing_bytes(deep) > 6 * PIXELS
