"""An AVIF does not depend on the number of processor cores, which its encoder would go by."""

from __future__ import annotations

from pathlib import Path

import pytest
from photo_samples import smooth
from PIL import AvifImagePlugin, Image

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.photos.convert import as_result
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.write import write_photo


def test_an_avif_is_the_same_on_one_core_and_on_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    grain = Image.effect_noise((1024, 768), 30)
    waves = Image.fromarray(smooth(768, 1024))
    Image.blend(waves, grain.convert("RGB"), 0.3).save(path)
    photo = as_result(read_photo(path), OutputConfig(format="avif"))
    results = []
    for cores in (1, 8):
        monkeypatch.setattr(AvifImagePlugin, "_get_default_max_threads", lambda cores=cores: cores)
        write_photo(photo, tmp_path / f"{cores}.avif")
        results.append((tmp_path / f"{cores}.avif").read_bytes())
    assert results[0] == results[1]
