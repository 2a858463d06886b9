"""Mix the weights of two students of the same shape, as between the rounds of recipes/student.toml.

    python recipes/mixed_student.py new.safetensors old.safetensors --share 0.75 --output mixed.safetensors

The share is that of the first. A round that learned something new has moved away from what the old one did well;
between them lies a student that has most of both, and a next round begins with it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load_file, save_file


def main() -> None:
    """Read the options and mix."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("--share", type=float, required=True, help="of the first, 0 to 1")
    parser.add_argument("--output", type=Path, required=True, help="the weight file to write")
    arguments = parser.parse_args()
    first, second = load_file(arguments.first), load_file(arguments.second)
    shapes = [{name: value.shape for name, value in each.items()} for each in (first, second)]
    if shapes[0] != shapes[1]:
        parser.error("The two students have different shapes.")
    mixed = {
        name: (arguments.share * value.float() + (1 - arguments.share) * second[name].float()).to(value.dtype)
        for name, value in first.items()
    }
    with safe_open(arguments.first, "pt") as opened:
        save_file(mixed, arguments.output, metadata=opened.metadata())


if __name__ == "__main__":
    main()
