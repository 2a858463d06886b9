"""The size of photos from their headers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from photo_samples import smooth
from PIL import Image

from lgbpn_cli.batch.estimate import check_claim, claim_of
from lgbpn_cli.config import OutputConfig
from lgbpn_cli.errors import PhotoError, PhotoReadError
from lgbpn_cli.photos.read import read_photo

MAX_PIXELS = OutputConfig.max_pixels


def megapixels_of(path: Path) -> float | None:
    claim = claim_of(path)
    return None if claim is None else claim.megapixels


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif"])
def test_the_header_tells_the_size(name: str, tmp_path: Path) -> None:
    Image.new("RGB", (300, 200)).save(tmp_path / name)
    assert megapixels_of(tmp_path / name) == pytest.approx(0.06)


def test_a_truncated_photo_still_has_its_size(tmp_path: Path) -> None:
    Image.new("RGB", (300, 200)).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:60])
    assert megapixels_of(tmp_path / "b.png") == pytest.approx(0.06)


def test_a_file_whose_header_is_cut_off_has_no_size(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    assert megapixels_of(tmp_path / "a.jpg") is None


SAMPLES = {
    "empty.jpg": b"",
    "text.jpg": b"text",
    "gif.jpg": b"GIF89a",
    "ink.jpg": ("CMYK", {}),
    "ink.tif": ("CMYK", {}),
    "page.png": ("1", {}),
    "page.bmp": ("1", {}),
    "page.tif": ("1", {"compression": "group4"}),
}


@pytest.mark.parametrize("name", [*SAMPLES, "missing.jpg"])
def test_what_the_header_alone_rules_out_is_refused_as_by_the_reader(name: str, tmp_path: Path) -> None:
    path, content = tmp_path / name, SAMPLES.get(name)
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        Image.new(content[0], (40, 30)).save(path, **content[1])
    with pytest.raises(PhotoError) as by_reader:
        read_photo(path)
    with pytest.raises(PhotoError) as by_header:
        claim_of(path)
    assert (type(by_header.value), str(by_header.value)) == (type(by_reader.value), str(by_reader.value))


def test_an_enormous_photo_has_its_size_and_no_warning(tmp_path: Path) -> None:
    """Pillow warns of what is above 89 megapixels, and refuses what is above 179."""
    for width, megapixels in ((15_000, 150), (20_000, 200)):
        Image.new("L", (width, 10_000)).save(tmp_path / "a.png", compress_level=1)
        assert megapixels_of(tmp_path / "a.png") == pytest.approx(megapixels)


def test_what_a_reader_would_refuse_for_its_size_is_refused_before(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(smooth(200, 300)).save(path)
    claim = claim_of(path)
    assert claim is not None
    check_claim(path, claim, MAX_PIXELS, claim.size.needed_bytes)
    with pytest.raises(PhotoReadError, match=r"a\.png: reading its 0 megapixels needs about"):
        check_claim(path, claim, MAX_PIXELS, claim.size.needed_bytes - 1)


@pytest.mark.parametrize(
    ("name", "channels", "sample_bytes"),
    [("a.png", 3, 1), ("grey.png", 1, 1), ("deep.png", 1, 2), ("a.jpg", 3, 1)],
)
def test_the_header_tells_what_a_pixel_takes(
    name: str, channels: int, sample_bytes: int, tmp_path: Path
) -> None:
    samples = smooth(20, 30) if channels == 3 else smooth(20, 30)[..., 0]
    Image.fromarray(samples.astype(np.uint8 if sample_bytes == 1 else np.uint16)).save(tmp_path / name)
    claim = claim_of(tmp_path / name)
    assert claim is not None
    assert (claim.size.channels, claim.size.sample_bytes) == (channels, sample_bytes)
