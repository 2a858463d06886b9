"""`lgbpn preview` on real photos, with the model that ships: what the page shows is what the result holds."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lgbpn_cli.config import InferenceConfig
from lgbpn_cli.config.look import Look
from lgbpn_cli.denoise.denoiser import prepare
from lgbpn_cli.denoise.working import photo_of_array
from lgbpn_cli.preview.run import write_preview

pytestmark = pytest.mark.slow
FULL, LUMA = "fast 100%", "fast brightness only"


def data_of(page: Path) -> dict[str, Any]:
    """What a page shows."""
    found = re.search(r'id="data">(.*?)</script>', page.read_text("utf-8"), re.DOTALL)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


def pixels_of(url: str) -> np.ndarray:
    with Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def test_the_page_shows_the_pixels_of_the_whole_photos_result(data_root: Path, tmp_path: Path) -> None:
    with Image.open(data_root / "phone-highiso/42_IndexError.jpg") as picture:
        part = np.asarray(picture.convert("RGB").crop((1500, 1000, 2350, 1650)))
    photo = tmp_path / "photo.png"
    Image.fromarray(part).save(photo)
    write_preview(photo, tmp_path / "page.html", at=[(500, 300)])
    [place] = data_of(tmp_path / "page.html")["places"]
    rows = slice(place["y"], place["y"] + place["height"])
    columns = slice(place["x"], place["x"] + place["width"])
    assert (pixels_of(place["pictures"]["noisy"]) == part[rows, columns]).all()
    for name, look in ((FULL, Look(1.0, 1.0)), (LUMA, Look(1.0, 0.0)), ("fast auto", Look())):
        denoiser = prepare(None, "cpu", InferenceConfig(quality="fast", look=look))
        result = denoiser.denoise(photo_of_array(part)).photo.pixels
        apart = np.abs(pixels_of(place["pictures"][name]) - result[rows, columns])
        assert apart.max() <= 1, name
        assert np.abs(result[rows, columns].astype(int) - part[rows, columns]).mean() > 0.01
