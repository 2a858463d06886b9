"""The correlation of noise as a picture: bars over the offsets, and the mask of what is correlated.

After Figure 4 of the LG-BPN paper.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from lgbpn_cli.config import NetworkConfig
from lgbpn_cli.errors import UsageError
from lgbpn_cli.noise.summary import NoiseSummary

REACH_PX = 6
"""The summary holds offsets -6..6."""
CELL_PX = 28
MARGIN_PX = 40
BAR_HEIGHT_PX = 220
CORRELATED = 0.1
"""From this correlation on an offset is filled in the mask."""
INK, GREY, FILL, HOLE = (30, 30, 30), (210, 210, 210), (44, 110, 170), (200, 60, 40)


def check_plot(path: Path) -> None:
    """Raise UsageError for a plot that cannot be written: another ending, or no such folder."""
    if path.suffix.lower() != ".png":
        raise UsageError(f"`plot` {path}", "it does not end in .png", "Name a PNG file.")
    if not path.resolve().parent.is_dir():
        raise UsageError(f"`plot` {path}", "there is no such folder", "Make it first.")


def draw_correlation(summary: NoiseSummary, path: Path) -> None:
    """Write the picture to `path`; UsageError where it cannot be written."""
    correlation = np.array(summary.correlation)
    side = (2 * REACH_PX + 1) * CELL_PX
    picture = Image.new("RGB", (2 * side + 3 * MARGIN_PX, side + 2 * MARGIN_PX), "white")
    draw = ImageDraw.Draw(picture)
    _draw_bars(draw, correlation, MARGIN_PX, MARGIN_PX)
    _draw_mask(draw, correlation, side + 2 * MARGIN_PX, MARGIN_PX)
    try:
        picture.save(path)
    except OSError as error:
        raise UsageError(
            f"`plot` {path}", f"cannot be written ({error.strerror})", "Check the folder."
        ) from error


def _draw_bars(draw: ImageDraw.ImageDraw, correlation: np.ndarray, left: int, top: int) -> None:
    """Draw the 13 x 13 values as bars standing on a plane seen from above its front edge."""
    draw.text((left, top - 20), "correlation of the noise, by offset", fill=INK)
    depth, slant = CELL_PX // 2, CELL_PX // 4
    base = top + (2 * REACH_PX + 1) * CELL_PX - 20
    for row in range(2 * REACH_PX + 1):  # the farthest row first: nearer bars hide it
        behind = 2 * REACH_PX - row
        for column in range(2 * REACH_PX + 1):
            height = round(BAR_HEIGHT_PX * max(0.0, float(correlation[row, column])))
            x = left + column * (CELL_PX - slant // 2) + behind * slant // 2
            y = base - behind * depth // 2
            draw.rectangle((x, y - height, x + depth, y), fill=FILL if height > 1 else GREY, outline=INK)
    draw.text((left, base + 4), f"-{REACH_PX} .. {REACH_PX} px across, rows behind each other", fill=INK)


def _draw_mask(draw: ImageDraw.ImageDraw, correlation: np.ndarray, left: int, top: int) -> None:
    """Draw which offsets are correlated, with their values, and the outline of the network's hole."""
    radius = NetworkConfig().hole_radius_px
    draw.text(
        (left, top - 20), f"in hundredths; blue: {CORRELATED:g} or more; red: hole of {radius} px", fill=INK
    )
    for row in range(2 * REACH_PX + 1):
        for column in range(2 * REACH_PX + 1):
            value = float(correlation[row, column])
            x, y = left + column * CELL_PX, top + row * CELL_PX
            strong = abs(value) >= CORRELATED
            inside = abs(row - REACH_PX) + abs(column - REACH_PX) <= radius
            draw.rectangle(
                (x + 1, y + 1, x + CELL_PX - 2, y + CELL_PX - 2),
                fill=FILL if strong else GREY,
                outline=HOLE if inside else GREY,
                width=2,
            )
            draw.text((x + 4, y + 9), f"{100 * value:.0f}", fill="white" if strong else INK)
