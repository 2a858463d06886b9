"""Loading a model by name or by file, ready to run on a device."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import torch

from lgbpn_cli.config import DEFAULT_QUALITY, PART_OF_QUALITY, PRESETS, Part, Quality
from lgbpn_cli.errors import ModelError, UsageError
from lgbpn_cli.machine.device import Device
from lgbpn_cli.models.manifest import all_models, check_file, check_regular, file_sha256, find_model
from lgbpn_cli.models.names import WEIGHT_SUFFIX
from lgbpn_cli.models.portable import SUFFIX
from lgbpn_cli.models.weight_file import read_weights
from lgbpn_cli.network.lgbpn import LGBPN
from lgbpn_cli.network.raw import RawNetwork
from lgbpn_cli.network.student import Student

_IMPORTED_SUFFIXES = (SUFFIX, ".pth")
"""Of files that `lgbpn models import` takes."""


@dataclass
class Model:
    """One loaded network and what a caller needs to know of it."""

    name: str
    sha256: str
    preset: str
    """The shift preset it is used with unless told otherwise."""
    network: LGBPN | Student | RawNetwork
    device: Device

    @property
    def part(self) -> Part:
        """Which part of a family it is: student, teacher or raw."""
        return self.network.part

    def move_to(self, device: Device) -> None:
        """Put the network on another device; whoever holds this model finds it there."""
        self.network.to(device.torch_device)
        self.device = device

    def quality(self, wanted: Quality | None) -> Quality:
        """Return the quality to use: `wanted`, or this part's own. UsageError where the other part is needed."""
        quality = wanted or DEFAULT_QUALITY[self.part]
        if self.part == "raw" and PART_OF_QUALITY[quality] == "student":
            return quality  # the raw network is the student's counterpart
        if PART_OF_QUALITY[quality] != self.part:
            possible = ", ".join(name for name, part in PART_OF_QUALITY.items() if part == self.part)
            raise UsageError(
                f"`quality` {quality}",
                f"'{self.name}' is loaded as a {self.part}",
                f"Use one of: {possible}.",
            )
        return quality


def load_model(name_or_file: str, *, part: str | None = None, device: Device) -> Model:
    """Return the model of that name, or of that weight file, on `device`.

    `part` is teacher, student or raw; None takes the student where there is one. A text with the suffix
    .safetensors is a file, which holds one part. What a model that was fine-tuned has no part of its own for, its base
    does. The checksum of a named model is compared with its manifest.
    Raises ModelError for unknown names, missing parts, damaged or foreign files.
    """
    if name_or_file.endswith(WEIGHT_SUFFIX):
        name, path, expected, preset = Path(name_or_file).stem, Path(name_or_file), None, None
        check_regular(path)
    else:
        _refuse_other_files(name_or_file)
        entry = find_model(name_or_file)
        part = part or ("student" if "student" in entry.parts else "teacher")
        owner = entry.with_part(part)
        name, path, preset = entry.name, owner.part_path(part), entry.preset
        expected = owner.parts[part].sha256
    if expected is not None:
        check_file(f"model '{name}'", path, expected)
    network, own_preset = read_weights(path)
    if preset is not None and preset not in PRESETS:
        raise ModelError(f"model '{name}'", f"its preset '{preset}' is unknown", "Update lgbpn.")
    network.to(device.torch_device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Model(name, expected or file_sha256(path), preset or own_preset, network, device)


def _refuse_other_files(name: str) -> None:
    """Raise ModelError where `name` is not a model's, but the path of a file of another kind."""
    if name in all_models():
        return
    if name.endswith(_IMPORTED_SUFFIXES):
        raise ModelError(
            name, "it must be imported first", f"Use lgbpn models import {name}, and then its name."
        )
    if Path(name).name != name or os.path.isfile(name):  # noqa: PTH113 - a name may be longer than a file's
        raise ModelError(
            name,
            f"only a weight file ({WEIGHT_SUFFIX}) can be named by its path",
            "Name a model or such a file.",
        )
