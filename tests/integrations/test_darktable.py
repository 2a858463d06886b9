"""darktable's script with a real darktable: files denoised and imported, developed images denoised and imported."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from raw_samples import RGGB, mosaic_of, write_raw

from lgbpn_cli.photos.record import read_record

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("darktable-cli") is None, reason="darktable-cli is not installed"),
]


def scene() -> np.ndarray:
    rows, columns = np.mgrid[:64, :96]
    waves = np.stack([0.3 + 0.1 * np.sin(rows / 9 + k) * np.cos(columns / 11) for k in range(3)], axis=2)
    return np.clip(waves + np.random.default_rng(0).normal(0, 0.02, waves.shape), 0, 1)


def in_darktable(folder: Path, repo_root: Path, lua: str) -> str:
    """What a line of Lua prints that runs in darktable after the script was loaded as `lgbpn`."""
    Image.new("RGB", (32, 32)).save(folder / "any.png")
    programs = folder / "programs"
    programs.mkdir()
    starter = programs / "lgbpn"
    starter.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m lgbpn_cli "$@"\n')
    starter.chmod(0o755)
    script = repo_root / "integrations/darktable/lgbpn.lua"
    (folder / "test.lua").write_text(
        f'local dt = require "darktable"\nlocal lgbpn = dofile("{script}")\n{lua}\n'
    )
    command = [
        "darktable-cli",
        folder / "any.png",
        folder / "any.jpg",
        "--core",
        "--configdir",
        folder / "config",
    ]
    command += ["--library", ":memory:", "--luacmd", f"dofile('{folder}/test.lua')"]
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(repo_root)}
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=500, env=environment)
    assert "LUA ERROR" not in done.stdout + done.stderr, done.stdout + done.stderr
    return done.stdout


def test_a_raw_file_is_denoised_and_its_dng_imported_and_grouped(tmp_path: Path, repo_root: Path) -> None:
    write_raw(tmp_path / "it's IMG 1.dng", mosaic_of(scene(), RGGB), pattern=RGGB)
    lua = f"""
        local image = dt.database.import("{tmp_path}/it's IMG 1.dng")
        for _, result in ipairs(lgbpn.denoise_files({{ image }})) do
            print("RESULT " .. result.filename .. " " .. tostring(result.group_leader.filename == image.filename))
        end"""
    assert "RESULT it's IMG 1_denoised.dng true" in in_darktable(tmp_path, repo_root, lua)
    assert read_record(tmp_path / "it's IMG 1_denoised.dng") is not None


def test_what_darktable_developed_is_denoised_and_lies_beside_its_image(
    tmp_path: Path, repo_root: Path
) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray(np.rint(255 * scene()).astype(np.uint8)).save(photo)
    (tmp_path / "photo_lgbpn.tif").write_bytes(b"of somebody")
    exported = tmp_path / "darktable's export.tif"
    tifffile.imwrite(exported, np.rint(65535 * scene()).astype(np.uint16), photometric="rgb")
    lua = f"""
        local image = dt.database.import("{photo}")
        lgbpn.finalize(nil, {{ [image] = "{exported}" }})
        for index = 1, #dt.database do print("HAS " .. dt.database[index].filename) end"""
    assert "HAS photo_lgbpn-2.tif" in in_darktable(tmp_path, repo_root, lua)
    result = tmp_path / "photo_lgbpn-2.tif"
    assert read_record(result) is not None
    assert tifffile.imread(result).dtype == np.uint16
    assert (tmp_path / "photo_lgbpn.tif").read_bytes() == b"of somebody"
    assert not exported.exists()
