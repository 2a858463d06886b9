"""One small whole photo of every kind that is read, made anew: what the fuzzers damage."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from PIL import Image

from lgbpn_cli.photos.photo import Camera, Photo
from lgbpn_cli.photos.raw.dng import DngContainer
from lgbpn_cli.photos.write import write_photo

GOLDEN_HEIC = Path(__file__).parents[1] / "golden" / "ten_bits.heic"
SIDE_PX = 32
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta>'


def make_samples(folder: Path) -> list[Path]:
    """Return the photos, now in `folder`."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (SIDE_PX, SIDE_PX, 3), np.uint8)
    deep = rng.integers(0, 65536, (SIDE_PX, SIDE_PX, 3), np.uint16)
    picture = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[271], exif[274] = "Maker", 6
    exif.get_ifd(0x8769)[34855] = 3200
    tagged: dict[str, Any] = {"exif": exif.tobytes(), "icc_profile": bytes(200)}
    picture.save(folder / "base.jpg", xmp=XMP, **tagged)
    picture.save(folder / "progressive.jpg", progressive=True, **tagged)
    picture.convert("L").save(folder / "grey.jpg", restart_marker_rows=1)
    picture.save(folder / "two.mpo.jpg", "MPO", save_all=True, append_images=[picture], exif=exif.tobytes())
    picture.save(folder / "rgb.png", **tagged)
    picture.convert("P").save(folder / "palette.png", transparency=2)
    (folder / "deep.png").write_bytes(imagecodecs.png_encode(deep))
    picture.save(folder / "lossy.webp", xmp=XMP, **tagged)
    picture.convert("RGBA").save(folder / "lossless.webp", lossless=True)
    picture.save(folder / "a.avif", speed=10, **tagged)
    (folder / "deep.avif").write_bytes(imagecodecs.avif_encode(deep >> 6, bitspersample=10, speed=10))
    (folder / "a.jxl").write_bytes(imagecodecs.jpegxl_encode(pixels, lossless=True))
    (folder / "a.jp2").write_bytes(imagecodecs.jpeg2k_encode(pixels))
    picture.save(folder / "a.bmp")
    picture.save(folder / "a.tga")
    shutil.copyfile(GOLDEN_HEIC, folder / "a.heic")
    _save_tiffs(folder, pixels, deep)
    (folder / "grey.avif").write_bytes(imagecodecs.avif_encode(pixels[..., 0], pixelformat="400", speed=10))
    (folder / "lossless.jxl").write_bytes(imagecodecs.jpegxl_encode(pixels, lossless=True))
    (folder / "deep.jxl").write_bytes(imagecodecs.jpegxl_encode(deep, lossless=True))
    grey = (folder / "grey.jpg").read_bytes()
    (folder / "jpeg.jxl").write_bytes(imagecodecs.jpegxl_encode_jpeg(grey, usecontainer=True))
    (folder / "a.jp2").write_bytes(imagecodecs.jpeg2k_encode(pixels, level=0))
    (folder / "deep.j2k").write_bytes(imagecodecs.jpeg2k_encode(deep, level=0, codecformat="J2K"))
    picture.save(folder / "a.bmp")
    picture.save(folder / "a.tga", compression="tga_rle")
    straight = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    camera = Camera("Maker", "Model", (2.0, 1.0, 1.5), straight, straight, (0, 0, SIDE_PX, SIDE_PX))
    dng = folder / "linear.dng"
    write_photo(Photo(dng, deep, None, "dng", 1, DngContainer(), linear=True, camera=camera), dng)
    return sorted(folder.iterdir())


def _save_tiffs(folder: Path, pixels: np.ndarray, deep: np.ndarray) -> None:
    kinds: dict[str, tuple[np.ndarray, dict[str, Any]]] = {
        "plain": (pixels, {"rowsperstrip": 5}),
        "lzw": (pixels, {"compression": "lzw", "predictor": True}),
        "deep": (deep, {"compression": "zlib", "tile": (16, 16)}),
        "jpeg": (pixels, {"photometric": "ycbcr", "compression": "jpeg", "rowsperstrip": 16}),
        "float": (pixels / np.float32(255), {"compression": "zlib", "predictor": 3}),
        "half": ((pixels / 255).astype(np.float16), {"rowsperstrip": 5}),
        "big": (pixels, {"bigtiff": True, "byteorder": ">", "compression": "packbits"}),
    }
    for name, (samples, options) in kinds.items():
        tifffile.imwrite(
            folder / f"{name}.tif", samples, **{"photometric": "rgb", "metadata": None, **options}
        )
    with tifffile.TiffWriter(folder / "preview.tif") as writer:
        writer.write(pixels, photometric="rgb", metadata=None)
        writer.write(pixels[::4, ::4], photometric="rgb", subfiletype=1, metadata=None)
    with tifffile.TiffWriter(folder / "pages.tif") as writer:
        for number in range(3):
            writer.write(pixels[: 20 + number], photometric="rgb", compression="lzw", metadata=None)
