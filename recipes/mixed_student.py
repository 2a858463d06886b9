"""Mix the weights of two students of the same widths, as between the rounds of recipes/student.toml.

    python recipes/mixed_student.py new.safetensors old.safetensors --share 0.75 --output mixed.safetensors

The share is that of the first. A round that learned something new has moved away from what the old one did well;
between them lies a student that has most of both, and a next round begins with it. Blocks that only the first has add
nothing to the second.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor


def main() -> None:
    """Read the options and mix."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("--share", type=float, required=True, help="of the first, 0 to 1")
    parser.add_argument("--output", type=Path, required=True, help="the weight file to write")
    arguments = parser.parse_args()
    first, second = load_file(arguments.first), load_file(arguments.second)
    if any(name not in first or value.shape != first[name].shape for name, value in second.items()):
        parser.error("The second student has other widths, or more blocks.")
    mixed = {
        name: torch.lerp(_of_second(name, first, second), value.float(), arguments.share).to(value.dtype)
        for name, value in first.items()
    }
    with safe_open(arguments.first, "pt") as opened:
        save_file(mixed, arguments.output, metadata=opened.metadata())


def _of_second(name: str, first: dict[str, Tensor], second: dict[str, Tensor]) -> Tensor:
    """Return a weight of the second student; in a block that it lacks, one that adds nothing."""
    if name in second:
        return second[name].float()
    return torch.zeros_like(first[name]).float() if ".second." in name else first[name].float()


if __name__ == "__main__":
    main()
