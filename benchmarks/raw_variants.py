"""Whether results of every variant of DNG look like their source where nothing is removed.

One smooth scene is written as a raw file in each variant: all orientations, phases of the Bayer pattern, black levels,
areas, opcodes, number formats, ways of storage. `lgbpn denoise --strength 0` makes a linear DNG of each and a CFA DNG,
and each program develops source and results. Printed is by how many levels of 255 a pixel differs in the mean, of the
worst channel, some pixels at the border left out; it is right below half a level.
`python benchmarks/raw.py variants` runs it.

- `t`: the program shows the source wrong, as it knows nothing of the variant; compared with the scene stored plainly.
- `s`: it shows linear DNGs of any writer some pixels aside, which was taken out: darktable 4.2.1 begins at their
  corner, not at their crop.
- `-`: it cannot open the source, or the variant has no such result.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import rawpy
import tifffile
from rawpy import LibRawError
from result_tables import as_table

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from raw_samples import (  # the tests' way to write raw files
    BGGR,
    BLACK,
    GBRG,
    GRBG,
    NEUTRAL,
    RGGB,
    WHITE,
    area,
    byte_tag,
    fractions,
    gain_map,
    mosaic_of,
    opcode,
    opcode_list,
    write_raw,
)

HEIGHT, WIDTH = 240, 360
BORDER_PX = 10
"""Where demosaicing and the lens opcodes of programs differ."""
MOST_LEVELS = 0.5
SHIFTS = [(down, right) for down in range(-1, 7) for right in range(-1, 7)]
"""What is tried where a program shows results aside."""
MARGINS = (6, 8, HEIGHT + 6, WIDTH + 8)
"""ActiveArea in files with masked sites around it."""
Save = Callable[[Path], Any]
Picture = np.ndarray


def scene(height: int = HEIGHT, width: int = WIDTH) -> Picture:
    """Return soft shading in several colours, linear and balanced, brighter on one side: turned pictures are told."""
    rows, columns = np.mgrid[:height, :width] / (height, width)[0]
    waves = [0.12 + 0.5 * rows * columns + 0.06 * np.sin(4 * rows + 3 * columns + k) for k in range(3)]
    return np.stack(waves, axis=2)


def plain(pattern: bytes = RGGB, **how: Any) -> Save:
    """Return what writes the scene with these settings of `write_raw`."""
    return lambda path: write_raw(path, mosaic_of(scene(), pattern), pattern=pattern, below=True, **how)


def with_black(levels: Picture, **how: Any) -> Save:
    """Return what writes the scene above a black level of each site's own, white minus the highest being its light."""
    light = mosaic_of(scene(), black=0, white=16000).astype(float)
    samples = np.rint(levels + light * (WHITE - levels.max()) / 16000).astype(np.uint16)
    return lambda path: write_raw(path, samples, below=True, **how)


def sites(levels: tuple[int, ...], rows: int, columns: int) -> Picture:
    """Return repeated levels for all sites."""
    tile = np.array(levels, float).reshape(rows, columns)
    return np.tile(tile, (-(-HEIGHT // rows), -(-WIDTH // columns)))[:HEIGHT, :WIDTH]


def in_margins(**how: Any) -> Save:
    """Return what writes the scene between margins that hold black alone."""
    top, left, bottom, right = MARGINS
    samples = np.full((bottom + 4, right + 2), BLACK, np.uint16)
    samples[top:bottom, left:right] = mosaic_of(scene())
    masked = (0, 0, top, right)
    tags = ((50829, 4, 4, MARGINS, True), (50830, 4, 4, masked, True), *how.pop("raw_tags", ()))
    return lambda path: write_raw(path, samples, below=True, raw_tags=tags, **how)


def floats(kind: Any, **how: Any) -> Save:
    """Return what writes the scene as floating-point samples, black 0 and white 1."""
    light = (mosaic_of(scene(), black=0, white=65535) / 65535).astype(kind)
    return lambda path: write_raw(path, light, black=0, white=1, below=True, **how)


def of_24_bits(path: Path) -> None:
    """Write the scene as floats of 24 bits, which tifffile has no type for: bytes, whose tags are changed then."""
    light = (mosaic_of(scene(), black=0, white=65535) / 65535).astype(np.float32)
    packed = np.frombuffer(imagecodecs.float24_encode(light, byteorder="<"), np.int8).reshape(HEIGHT, -1)
    write_raw(path, packed, black=0, white=1)
    data = path.read_bytes()
    for tag, old, new in ((256, packed.shape[1], WIDTH), (258, 8, 24), (339, 2, 3)):
        for code, layout in ((3, "<HHIHxx"), (4, "<HHII")):
            entry = struct.pack(layout, tag, code, 1, old)
            data = data.replace(entry, struct.pack(layout, tag, code, 1, new))
    path.write_bytes(data)


def linearised(path: Path) -> None:
    """Write 12 bits under a root, and the table that undoes it."""
    samples = mosaic_of(scene())
    table = np.rint((np.arange(4096) / 4095) ** 2 * WHITE).astype(np.uint16)
    stored = np.rint(np.sqrt(samples / WHITE) * 4095).astype(np.uint16)
    write_raw(path, stored, below=True, raw_tags=((50712, 3, 4096, tuple(table.tolist()), True),))


def scaled_back(number: int, *opcodes: bytes, by: Picture | float) -> Save:
    """Return what writes the scene changed by `by`, and opcodes that undo it; black is 0."""
    samples = np.rint(mosaic_of(scene(), black=0) / by).astype(np.uint16)
    tags = (byte_tag(number, opcode_list(*opcodes)),)
    return lambda path: write_raw(path, samples, black=0, below=True, raw_tags=tags)


def with_bad_sites(path: Path) -> None:
    """Write the scene with dead sites, and opcodes of list 1 that name them."""
    samples = mosaic_of(scene())
    samples[50, 60] = samples[121, 200] = 0
    places = struct.pack(">I2I4I", 0, 2, 0, 50, 60, 121, 200)
    by_value = opcode(4, struct.pack(">2I", 0, 0))
    lists = byte_tag(51008, opcode_list(opcode(5, places), by_value))
    write_raw(path, samples, below=True, raw_tags=(lists,))


def linear(path: Path) -> None:
    """Write the scene as a linear DNG."""
    samples = np.rint(BLACK + scene() * NEUTRAL * (WHITE - BLACK)).astype(np.uint16)
    write_raw(path, samples, pattern=None, black=(BLACK,) * 3, white=(WHITE,) * 3, below=True)


def lossy(by_table: bool) -> Save:
    """Return what writes the scene as lossy tiles of 8 bits under a root, and what undoes it: a table, or opcodes."""
    samples = np.rint(np.sqrt(scene() * NEUTRAL) * 255).astype(np.uint8)
    table = np.rint((np.arange(256) / 255) ** 2 * 65535).astype(int).tolist()
    squares = [
        opcode(8, area(0, 0, HEIGHT, WIDTH, plane=plane) + struct.pack(">I3d", 2, 0, 0, 1))
        for plane in range(3)
    ]
    tag = (50712, 3, 256, tuple(table), True) if by_table else byte_tag(51009, opcode_list(*squares))
    how = {
        "compression": "jpeg_lossy",
        "compressionargs": {"level": 99, "subsampling": "444"},
        "tile": (128, 128),
    }
    white = (65535 if by_table else 255,) * 3
    return lambda path: write_raw(
        path, samples, pattern=None, black=None, white=white, below=True, raw_tags=(tag,), **how
    )


LOSSLESS = {"lossless": True, "bitspersample": 16, "predictor": 1}
FULL = area(0, 0, HEIGHT, WIDTH)
GAINS = np.linspace(1, 1.4, 12).reshape(3, 4, 1)
ROWS = 1 + 0.2 * np.arange(HEIGHT) / HEIGHT


def _gain_at_sites() -> Picture:
    """Return the gain map above at all sites."""
    down, across = ((np.arange(side) + 0.5) / side * (n - 1) for side, n in ((HEIGHT, 3), (WIDTH, 4)))
    by_row = np.array([np.interp(down, range(3), GAINS[:, column, 0]) for column in range(4)])
    return np.array([np.interp(across, range(4), by_row[:, row]) for row in range(HEIGHT)])


VARIANTS: dict[str, Save] = {
    "plain": plain(),
    **{f"orientation {n}": plain(tags=((274, 3, 1, n, True),)) for n in range(2, 9)},
    **{f"phase {name}": plain(which) for name, which in (("BGGR", BGGR), ("GBRG", GBRG), ("GRBG", GRBG))},
    "big-endian": plain(byteorder=">"),
    "black 2 x 2": with_black(
        sites((500, 520, 540, 560), 2, 2),
        black=(500, 520, 540, 560),
        raw_tags=((50713, 3, 2, (2, 2), True),),
    ),
    "black per row": with_black(
        BLACK + 40.0 * (np.arange(HEIGHT)[:, None] % 4 == 1) + np.zeros((1, WIDTH)),
        raw_tags=((50716, 10, HEIGHT, fractions(*[40.0 * (row % 4 == 1) for row in range(HEIGHT)]), True),),
    ),
    "black per column": with_black(
        BLACK + 40.0 * (np.arange(WIDTH) % 3 == 1) + np.zeros((HEIGHT, 1)),
        raw_tags=(
            (50715, 10, WIDTH, fractions(*[40.0 * (column % 3 == 1) for column in range(WIDTH)]), True),
        ),
    ),
    "ActiveArea, masked": in_margins(),
    "ActiveArea, crop": in_margins(
        raw_tags=((50719, 4, 2, (4, 6), True), (50720, 4, 2, (WIDTH - 8, HEIGHT - 12), True))
    ),
    "odd crop": plain(raw_tags=((50719, 4, 2, (3, 5), True), (50720, 4, 2, (WIDTH - 9, HEIGHT - 11), True))),
    "opcodes 1: bad sites": with_bad_sites,
    "opcodes 2: gain map": scaled_back(51009, gain_map(FULL, GAINS.astype(np.float32)), by=_gain_at_sites()),
    "opcodes 2: scale per row": scaled_back(
        51009,
        opcode(12, FULL + struct.pack(">I", HEIGHT) + ROWS.astype(">f4").tobytes()),
        by=ROWS[:, None],
    ),
    "opcodes 2: polynomial": scaled_back(51009, opcode(8, FULL + struct.pack(">I2d", 1, 0.0, 1.25)), by=1.25),
    "opcodes 3: warp": plain(
        raw_tags=(
            byte_tag(
                51022,
                opcode_list(opcode(1, struct.pack(">I6d2d", 1, 1.0, 0.02, 0.0, 0.0, 0.0, 0.0, 0.5, 0.5))),
            ),
        )
    ),
    "opcodes 3: vignette": plain(
        raw_tags=(byte_tag(51022, opcode_list(opcode(3, struct.pack(">7d", 0.2, 0.1, 0, 0, 0, 0.5, 0.5)))),)
    ),
    "float 16": floats(np.float16),
    "float 24": of_24_bits,
    "float 32": floats(np.float32),
    "float 32, deflate": floats(np.float32, compression="zlib", predictor=3, tile=(128, 128)),
    "LinearizationTable": linearised,
    "lossless JPEG": plain(compression="jpeg", compressionargs=LOSSLESS),
    "lossless JPEG, tiles": plain(tile=(128, 128), compression="jpeg", compressionargs=LOSSLESS),
    "deflate": plain(compression="zlib", tile=(128, 128)),
    "tiles": plain(tile=(128, 128)),
    "strips": plain(rowsperstrip=7),
    "linear DNG": linear,
    "lossy, opcodes": lossy(by_table=False),
    "lossy, table": lossy(by_table=True),
}


STORED_PLAINLY = {"lossy, table": "lossy, opcodes"}
"""With which source others are compared than the plain one: what losses cost is not the question."""


def develop_rawpy(path: Path, target: Path) -> Picture:
    """Return what LibRaw makes of it, as most programs that use it."""
    with rawpy.imread(str(path)) as raw:
        return raw.postprocess(use_camera_wb=True, no_auto_bright=True, adjust_maximum_thr=0.0, output_bps=16)


def _from_command(target: Path, *command: str | Path) -> Picture:
    subprocess.run([*map(str, command)], capture_output=True, check=True)
    return np.asarray(tifffile.imread(target))


def develop_dcraw(path: Path, target: Path) -> Picture:
    """Return what dcraw makes of it."""
    target.write_bytes(
        subprocess.run(
            ["dcraw", "-w", "-W", "-6", "-T", "-c", str(path)], capture_output=True, check=True
        ).stdout
    )
    return np.asarray(tifffile.imread(target))


def develop_darktable(path: Path, target: Path) -> Picture:
    """Return what darktable makes of it without its look for mosaics alone (filmic)."""
    settings = target.parent / "darktable"
    core = ["--core", "--library", ":memory:", "--configdir", settings, "--disable-opencl"]
    core += ["--conf", "plugins/darkroom/workflow=none"]
    target.unlink(missing_ok=True)
    how = ["--icc-type", "SRGB", "--apply-custom-presets", "false"]
    return _from_command(target, "darktable-cli", path, target, *how, *core)


def develop_rawtherapee(path: Path, target: Path) -> Picture:
    """Return what RawTherapee makes of it with a neutral profile."""
    return _from_command(target, "rawtherapee-cli", "-o", target, "-t", "-b16", "-Y", "-c", path)


PROGRAMS: dict[str, Callable[[Path, Path], Picture]] = {
    "rawpy": develop_rawpy,
    "dcraw": develop_dcraw,
    "darktable": develop_darktable,
    "rawtherapee": develop_rawtherapee,
}


def developed(program: str, path: Path, folder: Path) -> Picture | None:
    """Return a raw file as a program shows it, in levels of 255; None where it cannot."""
    if not path.exists():
        return None
    try:
        shown = PROGRAMS[program](path, folder / "shown.tif")
    except (OSError, subprocess.CalledProcessError, LibRawError, tifffile.TiffFileError) as error:
        print(f"  {program}, {path.parent.name}/{path.name}: {type(error).__name__}", file=sys.stderr)
        return None
    return shown.astype(np.float64) * (255 if shown.dtype.kind == "f" else 255 / np.iinfo(shown.dtype).max)


def off_levels(one: Picture | None, other: Picture | None) -> float | None:
    """Return by how much two pictures differ in the mean, the worst channel; infinite for other shapes."""
    if one is None or other is None:
        return None
    rim = (other.shape[0] - one.shape[0]) // 2
    if 0 < rim < BORDER_PX and other.shape[:2] == (one.shape[0] + 2 * rim, one.shape[1] + 2 * rim):
        other = other[rim:-rim, rim:-rim]  # RawTherapee cuts one from mosaics
    if one.shape != other.shape:
        return float("inf")
    inner = (slice(BORDER_PX, -BORDER_PX),) * 2
    return float(np.abs(one - other)[inner].mean(axis=(0, 1)).max())


def judged(source: Picture | None, result: Picture | None, true: Picture | None) -> tuple[str, bool]:
    """Return a cell of the table, and whether it is right."""
    off, from_true = off_levels(source, result), off_levels(true, result)
    if off is None:
        return "-", True
    if off > MOST_LEVELS and source is not None and result is not None and source.shape == result.shape:
        aside = min(off_levels(np.roll(source, by, (0, 1)), result) or 0 for by in SHIFTS)
        if aside <= MOST_LEVELS / 5:
            return f"{aside:.2f} s", True
    if from_true is not None and off > MOST_LEVELS / 5 and from_true < off / 2:
        cell = f"{from_true:.2f} t"
        return (cell, True) if from_true <= MOST_LEVELS else (f"**{cell}**", False)
    return (f"{off:.2f}", True) if off <= MOST_LEVELS else (f"**{off:.2f}**", False)


def denoised(sources: Path, target: Path, kind: str) -> None:
    """Run the program on all variants; those that have no such result are left out by it."""
    command = [sys.executable, "-m", "lgbpn_cli", "denoise", str(sources), "-o", str(target)]
    subprocess.run([*command, "--strength", "0", "-f", kind, "-q"], env={**os.environ}, check=False)


def print_variants(words: list[str], programs: list[str], keep: Path | None) -> bool:
    """Return whether all results of the variants with one of the words are right; prints them as a table."""
    chosen = {name: save for name, save in VARIANTS.items() if any(word in name for word in words)}
    with tempfile.TemporaryDirectory() as made:
        folder = keep or Path(made)
        sources = folder / "sources"
        sources.mkdir(parents=True, exist_ok=True)
        for name in {"plain", *STORED_PLAINLY.values(), *chosen}:
            VARIANTS[name](sources / f"{name}.dng".replace(" ", "_"))
        for kind in ("dng", "cfa-dng"):
            denoised(sources, folder / kind, kind)
        rows, all_right = [["variant", *(f"{each}: linear, CFA" for each in programs)]], True
        for name in chosen:
            file, cells = f"{name}.dng".replace(" ", "_"), []
            for program in programs:
                own = developed(program, sources / file, folder)
                like = STORED_PLAINLY.get(name, "plain").replace(" ", "_")
                true = developed(program, sources / f"{like}.dng", folder)
                pair = []
                for kind in ("dng", "cfa-dng"):
                    path = folder / kind / file
                    cell, right = judged(own, developed(program, path, folder), true)
                    all_right &= right
                    pair.append(cell)
                cells.append(", ".join(pair))
            rows.append([name, *cells])
            print(*rows[-1], sep=" | ", flush=True)
    print(as_table(rows))
    return all_right
