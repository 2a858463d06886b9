"""CFA DNGs: denoised sites in a file that is otherwise the source's: margins, levels, areas, opcodes, rendering."""

from __future__ import annotations

import io
import json
import shutil
import struct
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rawpy
import tifffile
from PIL import Image
from raw_samples import BGGR, GBRG, RGGB, area, fractions, gain_map, mosaic_of, opcode, opcode_list, write_raw

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.photos.convert import as_result
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.prepare import read_as_result
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.write import write_photo

HEIGHT, WIDTH = 96, 640
ACTIVE = (4, 6, HEIGHT, WIDTH)
NOISE_PROFILE = (2e-4, 1e-6)
WARP = opcode(1, struct.pack(">I6d2d", 1, 1.0, 0.01, 0.0, 0.0, 0.0, 0.0, 0.5, 0.5))


def scene(height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    waves = [0.3 + 0.2 * np.sin(rows / 9 + k) * np.cos(columns / 31 - k) for k in range(3)]
    return np.stack(waves, axis=2)


def byte_tag(number: int, data: bytes) -> Any:
    return (number, 7, len(data), data, True)


def rich_raw(path: Path, pattern: bytes = RGGB, **options: Any) -> Path:
    """With margins that hold black, a black level for each site, opcodes of both kinds, crop and noise profile."""
    samples = mosaic_of(scene(), pattern)
    samples[:4], samples[:, :6] = 500, 530
    gains = np.linspace(1, 1.3, 12).reshape(3, 4, 1).astype(np.float32)
    raw_tags = (
        (50713, 3, 2, (2, 2), True),
        (50829, 4, 4, ACTIVE, True),
        (50830, 4, 4, (0, 0, 4, WIDTH), True),
        (50719, 4, 2, (3, 5), True),
        (50720, 4, 2, (600, 80), True),
        byte_tag(51009, opcode_list(gain_map(area(0, 0, HEIGHT - 4, WIDTH - 6), gains))),
        byte_tag(51022, opcode_list(WARP)),
        (51041, 12, 2, NOISE_PROFILE, True),
    )
    settings: dict[str, Any] = {"below": True, "black": (510, 512, 512, 515)} | options
    return write_raw(path, samples, pattern=pattern, raw_tags=raw_tags, **settings)


def with_own_light(photo: Photo) -> Photo:
    """The photo as a network gives it that changes no site."""
    assert photo.mosaic is not None
    assert photo.camera is not None
    light = photo.mosaic.mosaic.samples * (photo.camera.white - photo.camera.black) + photo.camera.black
    pixels = np.repeat(np.rint(light).astype(np.uint16)[..., None], 3, axis=2)
    return replace(photo, pixels=pixels, mosaic=None)


def on_sites(source: Path) -> Path:
    photo, _ = read_as_result(source, OutputConfig(format="cfa-dng"), None, as_mosaic=True)
    result = source.with_name("result.dng")
    write_photo(with_own_light(photo), result)
    return result


def stored(path: Path) -> np.ndarray:
    with rawpy.imread(str(path)) as raw:
        return np.asarray(raw.raw_image, np.int32).copy()


def rendered(path: Path) -> np.ndarray:
    with rawpy.imread(str(path)) as raw:
        shown = raw.postprocess(use_camera_wb=True, no_auto_bright=True, adjust_maximum_thr=0.0)
    return np.asarray(shown, np.float64)


def run(*command: str | Path) -> bytes:
    if shutil.which(str(command[0])) is None:
        pytest.skip(f"{command[0]} is not installed")
    return subprocess.run(list(map(str, command)), capture_output=True, check=True).stdout


def tags_of(path: Path) -> dict[str, Any]:
    tags: dict[str, Any] = json.loads(run("exiftool", "-j", "-G1", "-n", path))[0]
    return {name.split(":")[-1]: value for name, value in tags.items()}


@pytest.mark.parametrize("pattern", [RGGB, GBRG, BGGR], ids=["RGGB", "GBRG", "BGGR"])
def test_every_stored_sample_is_the_sources(tmp_path: Path, pattern: bytes) -> None:
    source = rich_raw(tmp_path / "a.dng", pattern)
    before, after = stored(source), stored(on_sites(source))
    assert after.shape == before.shape
    top, left = ACTIVE[:2]
    assert np.array_equal(after[:top], before[:top])
    assert np.array_equal(after[:, :left], before[:, :left])
    assert np.abs(after - before).max() <= 1


@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_what_the_source_says_of_its_samples_stays(tmp_path: Path, byteorder: str) -> None:
    source = rich_raw(tmp_path / "a.dng", byteorder=byteorder)
    before, after = tags_of(source), tags_of(on_sites(source))
    areas = [
        "ActiveArea",
        "MaskedAreas",
        "DefaultCropOrigin",
        "DefaultCropSize",
        "OpcodeList2",
        "OpcodeList3",
    ]
    levels = ["BlackLevel", "BlackLevelRepeatDim", "WhiteLevel", "ColorMatrix1", "AsShotNeutral"]
    kept = [*areas, *levels, "CFARepeatPatternDim", "CFAPattern2", "PhotometricInterpretation"]
    there = [name for name in kept if name in before]
    assert len(there) >= len(kept) - 1
    assert {name: after.get(name) for name in there} == {name: before[name] for name in there}
    assert after["NoiseReductionApplied"] == 1


def test_the_noise_profile_is_that_of_what_is_left(tmp_path: Path) -> None:
    profile = [
        float(part) for part in str(tags_of(on_sites(rich_raw(tmp_path / "a.dng")))["NoiseProfile"]).split()
    ]
    assert len(profile) == 6
    assert 0 <= profile[0] <= NOISE_PROFILE[0]


@pytest.mark.parametrize("orientation", [1, 6])
def test_programs_render_it_as_they_render_the_source(tmp_path: Path, orientation: int) -> None:
    source = rich_raw(tmp_path / "a.dng", tags=((274, 3, 1, orientation, True),))
    result = on_sites(source)
    before, after = rendered(source), rendered(result)
    assert before.shape == after.shape
    assert np.abs(before - after).mean() < 0.1
    pictures = [
        np.asarray(Image.open(io.BytesIO(run("dcraw", "-c", "-w", "-W", each)))) for each in (source, result)
    ]
    assert np.abs(pictures[0].astype(float) - pictures[1]).mean() < 0.1


def in_darktable(path: Path, *options: str) -> np.ndarray:
    """The picture as darktable opens it."""
    target = path.with_suffix(".png")
    core = ("--core", "--configdir", path.parent / "darktable", "--library", ":memory:", "--disable-opencl")
    run("darktable-cli", path, target, *core, *options)
    return np.asarray(Image.open(target), np.float64)


def test_darktable_opens_it_as_the_source(tmp_path: Path) -> None:
    source = rich_raw(tmp_path / "a.dng")
    before, after = in_darktable(source), in_darktable(on_sites(source))
    assert before.shape == after.shape
    assert np.abs(before - after).mean() < 0.5


def test_darktable_shows_a_linear_dng_as_the_source_with_the_same_modules(tmp_path: Path) -> None:
    """Of its own accord it gives a linear DNG no filmic, so that it opens lighter (docs/guides/raw-files.md)."""
    source = write_raw(tmp_path / "a.dng", mosaic_of(scene()))
    linear = tmp_path / "linear.dng"
    write_photo(as_result(read_photo(source), OutputConfig()), linear)
    bare = ("--conf", "plugins/darkroom/workflow=none")
    off = in_darktable(linear, *bare) - in_darktable(source, *bare)
    assert np.abs(off.mean(axis=(0, 1))).max() < 0.5


def in_rawtherapee(path: Path) -> np.ndarray:
    """The picture as RawTherapee's command-line program opens it, without the rim that it cuts from mosaics."""
    target = path.with_name(f"{path.stem}-rawtherapee.tif")
    run("rawtherapee-cli", "-o", target, "-t", "-b16", "-Y", "-c", path)
    return tifffile.imread(target).astype(np.float64) / 257


def test_rawtherapee_opens_both_kinds_as_the_source(tmp_path: Path) -> None:
    source = write_raw(tmp_path / "a.dng", mosaic_of(scene(400, 480)))
    on_its_sites, linear = on_sites(source), tmp_path / "linear.dng"
    write_photo(as_result(read_photo(source), OutputConfig()), linear)
    before, after, demosaiced = (in_rawtherapee(each) for each in (source, on_its_sites, linear))
    assert np.abs(before - after).mean() < 0.1
    rim = (demosaiced.shape[0] - before.shape[0]) // 2
    assert 0 <= rim < 10
    inside = demosaiced[rim:-rim, rim:-rim] if rim else demosaiced
    assert np.abs((inside - before).mean(axis=(0, 1))).max() < 0.5


def test_exiftool_finds_nothing_wrong(tmp_path: Path) -> None:
    source = rich_raw(tmp_path / "a.dng")
    said = run("exiftool", "-validate", "-warning", "-error", "-a", on_sites(source)).decode()
    before = run("exiftool", "-validate", "-warning", "-error", "-a", source).decode()
    found = [line for line in said.splitlines() if "arning" in line and line not in before]
    assert [line for line in found if "Unknown IFD0 tag 0xfeb7" not in line and "Validate" not in line] == []


@pytest.mark.parametrize("width", [33, 640])
def test_files_without_margins_or_levels_of_their_own_have_them_from_libraw(
    tmp_path: Path, width: int
) -> None:
    source = write_raw(
        tmp_path / "a.dng", mosaic_of(scene(64, width), black=0), black=None, neutral=(0.5, 1, 0.7)
    )
    result = on_sites(source)
    assert np.abs(stored(result) - stored(source)).max() <= 1
    assert np.abs(rendered(result) - rendered(source)).mean() < 0.1


def test_what_was_clipped_stays_clipped(tmp_path: Path) -> None:
    light = scene()
    light[:, 300:400] = 5
    source = write_raw(
        tmp_path / "a.dng", mosaic_of(light), raw_tags=((50720, 5, 2, fractions(600, 80), True),)
    )
    photo, _ = read_as_result(source, OutputConfig(format="cfa-dng"), None, as_mosaic=True)
    dull = replace(with_own_light(photo), pixels=np.full_like(photo.pixels, 20000))
    write_photo(dull, tmp_path / "b.dng")
    clipped = stored(source) >= 16383
    assert clipped.sum() > 5000
    assert (stored(tmp_path / "b.dng")[clipped] == stored(source)[clipped]).all()
