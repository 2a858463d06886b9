"""The size of photos from their headers."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from lgbpn_cli.batch.estimate import megapixels_of


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif"])
def test_the_header_tells_the_size(name: str, tmp_path: Path) -> None:
    Image.new("RGB", (300, 200)).save(tmp_path / name)
    assert megapixels_of(tmp_path / name) == pytest.approx(0.06)


def test_a_truncated_photo_still_has_its_size(tmp_path: Path) -> None:
    Image.new("RGB", (300, 200)).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:60])
    assert megapixels_of(tmp_path / "b.png") == pytest.approx(0.06)


@pytest.mark.parametrize("content", [b"", b"text", b"\xff\xd8\xff\xe0"])
def test_a_file_without_a_header_has_no_size(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    assert megapixels_of(tmp_path / "a.jpg") is None
    assert megapixels_of(tmp_path / "missing.jpg") is None


def test_an_enormous_photo_has_its_size_and_no_warning(tmp_path: Path) -> None:
    """Pillow warns of what is above 89 megapixels, and refuses what is above 179."""
    for width, megapixels in ((15_000, 150), (20_000, 200)):
        Image.new("1", (width, 10_000)).save(tmp_path / "a.png")
        assert megapixels_of(tmp_path / "a.png") == pytest.approx(megapixels)
