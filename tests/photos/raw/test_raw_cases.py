"""Raw files that once came out wrong: each has its result here, after a network that changes nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rawpy

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.errors import PhotoReadError, UnsupportedPhotoError
from lgbpn_cli.photos.convert import as_result
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.record import Record
from lgbpn_cli.photos.shot import shot_in
from lgbpn_cli.photos.write import write_photo

RECORD = Record("0.1.0", "model", "{}")


def result_of(source: Path, folder: Path) -> Path:
    write_photo(as_result(read_photo(source), OutputConfig()), folder / "result.dng", record=RECORD)
    return folder / "result.dng"


def tags_of(path: Path) -> dict[str, Any]:
    if shutil.which("exiftool") is None:
        pytest.skip("exiftool is not installed")
    found = subprocess.run(["exiftool", "-j", "-G1", "-n", path], capture_output=True, text=True, check=True)
    tags: dict[str, Any] = json.loads(found.stdout)[0]
    return tags


def rendered(path: Path) -> np.ndarray:
    with rawpy.imread(str(path)) as raw:
        shown = raw.postprocess(use_camera_wb=True, no_auto_bright=True, adjust_maximum_thr=0.0)
    return np.asarray(shown, np.float64)


def test_a_phone_s_lens_shading_is_undone(cases: Path, tmp_path: Path) -> None:
    result = rendered(result_of(cases / "phone_gainmap/phone.dng", tmp_path))
    expected = rendered(cases / "phone_gainmap/same_without_shading.dng")
    off = (result - expected).reshape(2, 152, 2, 204, 3).mean(axis=(1, 3))
    assert np.abs(off).max() < 1


def test_sony_s_lens_tags_are_in_the_directory_of_the_samples(cases: Path, tmp_path: Path) -> None:
    source = cases / "sony_lens_tags/sony.dng"
    before, after = tags_of(source), tags_of(result_of(source, tmp_path))
    names = [
        name for name in before if (name.startswith("SubIFD:") and "Corr" in name) or "OpcodeList3" in name
    ]
    assert len(names) == 7
    assert {name: after.get(name) for name in names} == {name: before[name] for name in names}


@pytest.mark.parametrize("name", ["tiff", "jpeg", "dng"])
def test_lens_corrections_that_only_a_dng_keeps_are_told(cases: Path, name: str) -> None:
    result = as_result(read_photo(cases / "sony_lens_tags/sony.dng"), OutputConfig(format=name))
    assert [note for note in result.notes if "lens corrections are not made" in note] == (
        [] if name == "dng" else [*result.notes]
    )
    plain = as_result(read_photo(cases / "darktable_sidecar/IMG_7.dng"), OutputConfig(format=name))
    assert not any("lens" in note for note in plain.notes)


def test_proraw_s_gain_table_map_stays_and_no_pointer_leads_astray(cases: Path, tmp_path: Path) -> None:
    after = tags_of(result_of(cases / "dng_extra_profiles/proraw_like.dng", tmp_path))
    assert "SubIFD:ProfileGainTableMap" in after
    assert "ExifTool:Warning" not in after


def test_a_cut_panasonic_file_is_refused_and_its_iso_known(cases: Path) -> None:
    path = cases / "panasonic_rw2/P1.rw2"
    assert (shot_in(path).camera, shot_in(path).iso) == ("Panasonic DMC-LX3", 80)
    with pytest.raises(PhotoReadError, match="end early"):
        read_photo(path)


def test_quad_bayer_is_refused_by_name(cases: Path) -> None:
    with pytest.raises(UnsupportedPhotoError, match="Quad Bayer"):
        read_photo(cases / "quad_bayer_dng/quad.dng")


@pytest.mark.parametrize("name", ["huge.dng", "whole.dng"])
def test_results_are_written_and_read_again_whatever_the_matrix(
    cases: Path, tmp_path: Path, name: str
) -> None:
    result = result_of(cases / "raw_matrix" / name, tmp_path)
    assert read_photo(result).pixels.shape == (56, 56, 3)
