"""Makers of small valid photos of every kind, by other libraries than those under test where possible."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from photo_samples import EXIF_ORIENTATION_6, ICC, PhotoMaker, smooth
from PIL import Image, PngImagePlugin


@pytest.fixture
def make_jpeg(tmp_path: Path) -> PhotoMaker:
    def make(
        name: str = "photo.jpg", mode: str = "RGB", size: tuple[int, int] = (50, 70), **options: object
    ) -> Path:
        path = tmp_path / name
        picture = Image.fromarray(smooth(*size)).convert(mode)
        settings: dict[str, object] = {
            "quality": 90,
            "exif": b"Exif\0\0" + EXIF_ORIENTATION_6,
            "icc_profile": ICC,
        }
        picture.save(path, "JPEG", **(settings | options))
        return path

    return make


@pytest.fixture
def make_png(tmp_path: Path) -> PhotoMaker:
    def make(name: str = "photo.png", picture: Image.Image | None = None, **options: object) -> Path:
        path = tmp_path / name
        text = PngImagePlugin.PngInfo()
        text.add_text("Author", "somebody")
        text.add_itxt("Title", "Größe", lang="de")
        text.add(b"prVt", b"private bytes", after_idat=True)
        settings: dict[str, object] = {
            "pnginfo": text,
            "exif": EXIF_ORIENTATION_6,
            "icc_profile": ICC,
            "dpi": (72, 72),
        }
        image = Image.fromarray(smooth(30, 40)) if picture is None else picture
        image.save(path, "PNG", **(settings | options))
        return path

    return make


@pytest.fixture
def make_tiff(tmp_path: Path) -> PhotoMaker:
    def make(name: str = "photo.tif", samples: np.ndarray | None = None, **options: object) -> Path:
        path = tmp_path / name
        settings: dict[str, object] = {
            "photometric": "rgb",
            "description": "a description",
            "software": "a program",
            "metadata": None,
            "iccprofile": ICC,
            "extratags": [
                (274, "H", 1, 6, True),
                (315, "s", 0, "somebody", True),
                (700, "B", 40, b"x" * 40, True),
            ],
        }
        writer = {key: options.pop(key) for key in ("bigtiff", "byteorder") if key in options}
        data = smooth(50, 70) if samples is None else samples
        tifffile.imwrite(path, data, **writer, **(settings | options))
        return path

    return make
