"""Train the noise estimator that ships: on noisy photos, what the shipped student makes of them, and texture.

    python recipes/noise_estimator.py --output runs/noise-estimator.safetensors

The data sets are found below LGBPN_DATA, their photos as recipes/student.toml names them: what is kept out there is
kept out here. Texture is that of photos of low noise, and drawn. Half an hour on one core.
"""

from __future__ import annotations

import argparse
import math
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save
from torch import nn
from tqdm import tqdm

from lgbpn_cli.denoise.denoiser import load_model
from lgbpn_cli.denoise.working import to_working
from lgbpn_cli.noise.network import NoiseEstimator
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.training.config import DataSource
from lgbpn_cli.training.noise.transplant import learn_noise
from lgbpn_cli.training.noise_estimator.lessons import SCENE_PX, NoiseLessons
from lgbpn_cli.training.pictures.data import source_files
from lgbpn_cli.training.pictures.drawn import draw_in_colours
from lgbpn_cli.training.recipe import data_root, read_distillation_recipe

STEPS = 7000
LEARNING_RATE = 2e-3
WARM_UP_STEPS = 100
LEAST_RATE = 0.01
"""Of the learning rate, at the end."""
REDUCTIONS = (2, 3, 4, 6)
"""By which photos of low noise are reduced: their own noise and their camera's interpolation go."""
SCENE_REDUCTIONS = (1, 2, 3)
"""The same for photographs that are scenes as they are."""
DRAWN = 20
"""Pictures drawn in the colours of each of them."""
LARGEST_PX = 1024
"""Of larger noisy photos a corner of this side is used."""
BLOCKS_SKIPPED = 3
"""Every so many-th photo of a set of many is used."""
MANY = 100
SAVED_EVERY = 250
SEED = 1


def textures(source: DataSource, reductions: Sequence[int]) -> list[list[NDArray[np.uint8]]]:
    """Return each photo of low noise in several sizes."""
    found = []
    for path in source_files(source, data_root()):
        with Image.open(path) as opened:
            photo = opened.convert("RGB")
            sizes = [np.asarray(photo.reduce(reduction)) for reduction in reductions]
        found.append([each for each in sizes if min(each.shape[:2]) >= SCENE_PX])
    return [sizes for sizes in found if sizes]


def drawn_sets(source: DataSource, random: np.random.Generator) -> list[list[NDArray[np.uint8]]]:
    """Return as many sets of drawn pictures, in the colours of the photos."""
    found = []
    for path in source_files(source, data_root()):
        with Image.open(path) as opened:
            found.append(draw_in_colours(np.asarray(opened.convert("RGB")), DRAWN, random))
    return found


@torch.inference_mode()
def cleaned(source: DataSource, student: nn.Module) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Yield noisy photos and their cleaned pictures, (h, w, 3)."""
    paths = source_files(source, data_root())
    for path in paths[:: BLOCKS_SKIPPED if len(paths) > MANY else 1]:
        noisy = np.ascontiguousarray(to_working(read_photo(path))[:LARGEST_PX, :LARGEST_PX])
        result = student(torch.from_numpy(noisy).permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()
        yield tuple(np.rint(255 * each.clip(0, 1)).astype(np.uint8) for each in (noisy, result))


def main() -> None:
    """Read the options and train."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path, required=True, help="the weight file to write")
    parser.add_argument("--steps", type=int, default=STEPS)
    arguments = parser.parse_args()
    sources = read_distillation_recipe(Path("recipes/student.toml")).sources
    student = load_model(quality="fast", device="cpu").network
    noisy = [each for each in sources if not each.drawn and not each.scenes]
    pairs = [found for each in noisy if (found := list(cleaned(each, student)))]
    low_noise = [each for each in sources if each.drawn]
    photos = [sizes for each in low_noise for sizes in textures(each, REDUCTIONS)]
    photos += [sizes for each in sources if each.scenes for sizes in textures(each, SCENE_REDUCTIONS)]
    random = np.random.default_rng(SEED)
    drawn = [pictures for each in low_noise for pictures in drawn_sets(each, random)]
    lessons = NoiseLessons(
        textures=photos + drawn,
        cleaned=[result for each in pairs for _, result in each],
        noises=[[learn_noise(*pair) for pair in each] for each in pairs],
        seed=SEED,
    )
    torch.manual_seed(0)
    network = NoiseEstimator()
    optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: (
            min(1, (step + 1) / WARM_UP_STEPS)
            * (0.5 * (1 + math.cos(math.pi * step / arguments.steps)) + LEAST_RATE)
        ),
    )
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    errors: deque[float] = deque(maxlen=100)
    for step in (progress := tqdm(range(arguments.steps), unit="step")):
        tiles, answer, photos = lessons.lesson(step)
        level, error = network(tiles, photos)
        # Laplace's likelihood: where an answer cannot be good, saying so costs least.
        loss = ((level - answer).abs() * (-error).exp() + error).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        errors.append(float((level - answer).abs().mean()))
        progress.set_postfix_str(f"off by {np.mean(errors):.3f}", refresh=False)
        if (step + 1) % SAVED_EVERY == 0 or step + 1 == arguments.steps:
            weights = {name: value.half() for name, value in network.state_dict().items()}
            part = arguments.output.with_suffix(".part")
            part.write_bytes(save(weights))
            part.replace(arguments.output)


if __name__ == "__main__":
    main()
