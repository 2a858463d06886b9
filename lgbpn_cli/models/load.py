"""Loading a model by name or by file, ready to run on a device."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lgbpn_cli.config import PRESETS
from lgbpn_cli.device import Device
from lgbpn_cli.errors import ModelError
from lgbpn_cli.models.manifest import file_sha256, find_model
from lgbpn_cli.models.weight_file import read_weights
from lgbpn_cli.network.lgbpn import LGBPN

DEFAULT_MODEL = "lgbpn-base"
"""The model that is used unless another is named."""


@dataclass(frozen=True)
class Model:
    """One loaded network and what a caller needs to know of it."""

    name: str
    sha256: str
    preset: str
    """The shift preset it is used with unless told otherwise."""
    network: LGBPN
    device: Device


def load_model(name_or_file: str, *, part: str = "teacher", device: Device) -> Model:
    """Return the model of that name, or of that weight file, on `device`.

    A text with the suffix .safetensors is a file. The checksum of a named model is compared with its manifest.
    Raises ModelError for unknown names, missing parts, damaged or foreign files.
    """
    if name_or_file.endswith(".safetensors"):
        name, path, expected, preset = Path(name_or_file).stem, Path(name_or_file), None, None
    else:
        entry = find_model(name_or_file)
        name, path, preset = entry.name, entry.part_path(part), entry.preset
        expected = entry.parts[part].sha256
    if not path.is_file():
        raise ModelError(
            f"model '{name}'", f"its file {path} is missing", "Check the path, or install again."
        )
    checksum = file_sha256(path)
    if expected is not None and checksum != expected:
        raise ModelError(
            f"model '{name}'",
            f"{path} is damaged (its checksum differs from the manifest's)",
            "Install or import it again.",
        )
    network, own_preset = read_weights(path)
    if preset is not None and preset not in PRESETS:
        raise ModelError(f"model '{name}'", f"its preset '{preset}' is unknown", "Update lgbpn.")
    network.to(device.torch_device)
    return Model(name, checksum, preset or own_preset, network, device)
