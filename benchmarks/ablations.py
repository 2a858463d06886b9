"""The paper's Table 2(b) at small scale: what each part of LG-BPN is worth.

    python benchmarks/ablations.py [--steps 600] [--only full --only no-21x21]
    python benchmarks/ablations.py --model lgbpn-base [--blocks 128]  # a finished teacher with and without kernel shift

Every row is a network of its own, trained on the noisy blocks of recipes/base.toml for the same steps and crops, and
measured in one pass on references of blocks trained on, as the paper's ablations are; kept-out blocks are not touched.
`no-shift` is the full network used without kernel shift. Sets are found below LGBPN_DATA (default ../shared/data).
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from lgbpn_cli.config import PRESETS, NetworkConfig, PassConfig
from lgbpn_cli.denoise.denoiser import load_model
from lgbpn_cli.device import choose_device
from lgbpn_cli.network.dtb import DilatedTransformerBlock, PhaseGrid
from lgbpn_cli.network.lgbpn import LGBPN, LocalModule
from lgbpn_cli.training.config import TrainingConfig
from lgbpn_cli.training.engine.trainer import TeacherTrainer
from lgbpn_cli.training.pictures.data import CropSampler, load_source
from lgbpn_cli.training.recipe import data_root, read_recipe

SHAPE = NetworkConfig(width=16, head_width=8, local_modules=4, global_blocks=2, feed_forward_expansion=2.5)
ROWS = ("full", "no-shift", "no-9x9", "no-21x21", "transformer-in-both", "convolution-in-both")


class Nothing(nn.Module):
    """In the place of a branch: zeros, which the joining convolution adds to the other branch."""

    def __init__(self, width: int, *, with_projections: bool) -> None:
        super().__init__()
        self.width, self.with_projections = width, with_projections

    def forward(self, head: Tensor, *_: object) -> Tensor | tuple[Tensor, list[Tensor]]:
        zeros = head.new_zeros(head.shape[0], self.width, *head.shape[-2:])
        return (zeros, []) if self.with_projections else zeros


class TransformerAsModule(nn.Module):
    """A transformer block where the local branch has a convolutional module."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.block = DilatedTransformerBlock(config.width, config.attention_heads, config.hidden_width)

    def forward(self, features: Tensor, grid: PhaseGrid) -> Tensor:
        of_sub_image = replace(grid, pool=grid.dilation**2)  # a map for each, as in the authors' test program
        result: Tensor = self.block(features, of_sub_image, None)[0]
        return result


class ModuleAsTransformer(nn.Module):
    """A convolutional module where the global branch has a transformer block."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.module = LocalModule(width)

    def forward(self, features: Tensor, grid: PhaseGrid, _: Tensor | None) -> tuple[Tensor, Tensor]:
        return self.module(features, grid), features.new_empty(0)


def build(row: str) -> LGBPN:
    """Return the untrained network of a row."""
    network = LGBPN(SHAPE)
    if row == "no-9x9":
        network.local_branch = Nothing(SHAPE.width, with_projections=False)  # type: ignore[assignment]
    elif row == "no-21x21":
        network.global_branch = Nothing(SHAPE.width, with_projections=True)  # type: ignore[assignment]
    elif row == "transformer-in-both":
        count = len(network.local_branch.modules_)
        network.local_branch.modules_ = nn.ModuleList(TransformerAsModule(SHAPE) for _ in range(count))
    elif row == "convolution-in-both":
        count = len(network.global_branch.blocks)
        network.global_branch.blocks = nn.ModuleList(ModuleAsTransformer(SHAPE.width) for _ in range(count))
    return network


def trained(row: str, config: TrainingConfig, sampler: CropSampler, folder: Path) -> LGBPN:
    """Return the network of a row after `config.steps`; an interrupted run goes on."""
    torch.manual_seed(config.seed)
    trainer = TeacherTrainer(SHAPE, config, sampler, choose_device("cpu"), network=build(row))
    folder.mkdir(parents=True, exist_ok=True)
    average = trainer.run(folder / f"{row}.pt")
    trainer.network.load_state_dict(average)
    return trainer.network.eval()  # type: ignore[return-value]


@torch.inference_mode()
def mean_psnr(network: nn.Module, sampling: PassConfig, pairs: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """Return the mean PSNR in decibels after rounding to 8 bit."""
    found = []
    for noisy, reference in pairs:
        estimate = network(torch.from_numpy(noisy).permute(2, 0, 1)[None].float() / 255, sampling)
        levels = (estimate[0].permute(1, 2, 0) * 255).round().clamp(0, 255).numpy()
        found.append(10 * np.log10(255**2 / np.square(levels - reference.astype(np.float32)).mean()))
    return float(np.mean(found))


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


def main() -> None:
    """Print a row for each network."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--only", action="append", choices=ROWS)
    parser.add_argument("--model", help="measure this model's teacher with and without kernel shift instead")
    parser.add_argument("--blocks", type=int, default=16, help="how many of the 128 blocks are measured")
    parser.add_argument("--run-folder", type=Path, default=Path("runs/ablations"))
    arguments = parser.parse_args()
    recipe, root = read_recipe(Path("recipes/base.toml")), data_root()
    config = TrainingConfig(steps=arguments.steps, learning_rate=3e-3, ema_decay=0.99, warmup_steps=50)
    sources = [load_source(source, root, config.crop_px) for source in recipe.sources]
    sampler = CropSampler(sources, batch=config.batch, crop_px=config.crop_px, seed=config.seed)
    set_folder = root / "sidd-val-odd"
    names = [
        path.name
        for path in sorted((set_folder / "reference").iterdir())
        if not path.name.startswith(("33_", "35_", "37_", "39_"))
    ]
    pairs = [
        (read(set_folder / "noisy" / name), read(set_folder / "reference" / name))
        for name in names[:: max(1, len(names) // arguments.blocks)]
    ]
    shifted = PRESETS[recipe.preset].first
    still = replace(shifted, local_shift=1.0, global_shift=1.0)
    print("| network | PSNR |\n|---|---|")
    if arguments.model:
        teacher = load_model(arguments.model, quality="teacher", device="cpu").network
        for name, sampling in ((arguments.model, shifted), (f"{arguments.model}, no-shift", still)):
            print(f"| {name} | {mean_psnr(teacher, sampling, pairs):.2f} |", flush=True)
        return
    for row in arguments.only or ROWS:
        sampling = still if row == "no-shift" else shifted
        network = trained("full" if row == "no-shift" else row, config, sampler, arguments.run_folder)
        print(f"| {row} | {mean_psnr(network, sampling, pairs):.2f} |", flush=True)


if __name__ == "__main__":
    main()
