"""Three cameras whose noise no recipe draws, with colours and spectra of their own, and photos taken with them.

The scenes are parts of photographs that no network was trained on; of each photograph one part is to be learned from,
and another is never shown.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sets import files_kept_out

LEARNED_PX, UNSEEN_PX = 576, 192
DARKEST = 0.03

Amplitude = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
"""Of cycles a pixel down and to the right."""


def ring(down: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.exp(-(((np.hypot(down, right) - 0.22) / 0.09) ** 2)) + 0.15)


def pink(down: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / np.sqrt(1 + (np.hypot(down, right) / 0.05) ** 2))


def white(down: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.ones_like(down + right)


def streak(down: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(0.25 + np.exp(-((down / 0.1) ** 2)) * np.exp(-((right / 0.35) ** 2)))


def soft(down: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.exp(-2 * (np.pi * 0.9 * np.hypot(down, right)) ** 2) + 0.05)


def check(down: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    corner = (np.abs(down) - 0.5) ** 2 + (np.abs(right) - 0.5) ** 2
    return np.asarray(0.35 + 0.9 * np.exp(-corner / 0.03) + 0.6 * np.exp(-(down**2 + right**2) / 0.02))


@dataclass(frozen=True)
class MadeCamera:
    """Noise of three components, each with a spectrum, mixed into the channels."""

    mix: tuple[tuple[float, float, float], ...]
    """Of each channel, how much of each component is in it."""
    spectra: tuple[Amplitude, Amplitude, Amplitude]
    level: float
    """In 8-bit levels, at middle brightness."""
    growth: float
    """Exponent of brightness."""
    jpeg_quality: int | None = None

    def photo(self, scene: NDArray[np.uint8], seed: list[int]) -> NDArray[np.uint8]:
        """Return a scene (h, w, 3) as this camera takes it."""
        random, mix = np.random.default_rng(seed), np.array(self.mix)
        height, width, _ = scene.shape
        down, right = np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None]
        components = []
        for spectrum in self.spectra:
            gain = spectrum(down, right)
            drawn = np.fft.fft2(random.standard_normal((height, width))) * gain / np.sqrt((gain**2).mean())
            components.append(np.fft.ifft2(drawn).real)
        noise = np.stack(components, axis=-1) @ (mix / np.sqrt((mix**2).sum() / 3)).T
        growth = ((scene / 255 + DARKEST) / (0.5 + DARKEST)) ** self.growth
        levels = np.clip(np.rint(scene + self.level * growth * noise), 0, 255).astype(np.uint8)
        if self.jpeg_quality is None:
            return levels
        file = io.BytesIO()
        Image.fromarray(levels).save(file, "JPEG", quality=self.jpeg_quality, subsampling=2)
        return np.asarray(Image.open(file))


CAMERAS = {
    "ring": MadeCamera(
        ((0.30, 0.62, 0.10), (0.55, -0.05, 0.25), (-0.2, 0.30, 0.45)), (ring, pink, white), 9, 0.3
    ),
    "streak": MadeCamera(
        ((0.8, 0.35, 0.0), (0.8, -0.25, 0.1), (0.75, 0.2, -0.4)), (streak, pink, soft), 12, -0.1, 90
    ),
    "check": MadeCamera(
        ((0.8, -0.45, 0.1), (0.12, 0.15, 0.2), (-0.3, 0.85, 0.1)), (check, ring, white), 7, 0.5
    ),
}


def write_photos(camera: MadeCamera, folder: Path) -> None:
    """Write `learned` and `unseen` below a folder, each with `noisy` photos and their `reference`."""
    for seed, path in enumerate(files_kept_out("photos")):
        picture = np.asarray(Image.open(path).convert("RGB"))
        random, middle = np.random.default_rng(seed), picture.shape[1] // 2
        for name, side, columns in (
            ("learned", LEARNED_PX, (0, middle)),
            ("unseen", UNSEEN_PX, (middle, 2 * middle)),
        ):
            top = int(random.integers(len(picture) - side))
            left = int(random.integers(columns[0], columns[1] - side))
            scene = picture[top : top + side, left : left + side]
            photo = camera.photo(scene, [seed, len(name)])
            for kind, pixels in (("noisy", photo), ("reference", scene)):
                (folder / name / kind).mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(folder / name / kind / f"{seed:02}.png")
