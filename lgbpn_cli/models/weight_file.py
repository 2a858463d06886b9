"""Weight files: safetensors with the network's configuration inside, so that a file needs nothing beside it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from lgbpn_cli.config import PRESETS, NetworkConfig, RawConfig, StudentConfig, UNetConfig
from lgbpn_cli.errors import ModelError, UsageError
from lgbpn_cli.models.manifest import all_models, check_file
from lgbpn_cli.network.adapter import adapted
from lgbpn_cli.network.lgbpn import LGBPN, parameter_count
from lgbpn_cli.network.raw import RawNetwork
from lgbpn_cli.network.student import Student

CONFIG_KEY = "lgbpn"
KINDS: dict[type, str] = {NetworkConfig: "network", StudentConfig: "student", RawConfig: "raw"}
"""What the header calls the configuration of each kind of network."""
ADAPTS_KEY = "adapts"
"""In the header of an adapter: name and checksum of the student whose weights it changes."""


@dataclass(frozen=True)
class AdaptedBase:
    """The student that an adapter belongs to."""

    name: str
    """Of its model, for people."""
    sha256: str
    """Of its weight file."""


def write_weights(
    path: Path,
    weights: dict[str, Tensor],
    config: NetworkConfig | StudentConfig | RawConfig,
    preset: str,
    *,
    adapts: AdaptedBase | None = None,
) -> None:
    """Write the weights of one network to `path`, as they are, with its configuration and preset in the header.

    `preset` is the shift preset of a teacher, and of the other parts the one that their family's teacher has. Where
    `adapts` names a student, `weights` are an adapter to it. Raises OSError where the disk refuses; an older file then
    still stands.
    """
    kind = KINDS[type(config)]
    described = {kind: asdict(config), "preset": preset}
    if adapts is not None:
        described[ADAPTS_KEY] = asdict(adapts)
    header = {CONFIG_KEY: json.dumps(described, sort_keys=True)}
    part = path.with_name(path.name + ".part")
    try:
        # Not save_file: it reports a full disk by an error of its own, and writes what only the owner can read.
        tensors = {name: value.detach().cpu().contiguous() for name, value in weights.items()}
        part.write_bytes(save(tensors, metadata=header))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def read_weights(path: Path) -> tuple[LGBPN | Student | RawNetwork, str]:
    """Return the network stored in `path`, float32, on the CPU in evaluation mode, and the name of its preset.

    Nothing in the file is executed. An adapter comes with the weights of its student. Raises ModelError for a file
    that is not a weight file of this tool, is damaged, or does not fit its own configuration, and where the student of
    an adapter is not here.
    """
    try:
        header, weights = _content(path)
        if ADAPTS_KEY in header:
            weights = adapted(_weights_of(AdaptedBase(**header[ADAPTS_KEY]), path), weights)
        network, preset = _build(header, weights), header["preset"]
        network.load_state_dict(weights)
    except ModelError:
        raise  # it says more than that the file cannot be used
    except FileNotFoundError as error:
        raise ModelError(path, "there is no such file", "Check the path, or install again.") from error
    except (
        SafetensorError,
        OSError,
        ValueError,
        KeyError,
        TypeError,
        RuntimeError,
        ArithmeticError,
        UsageError,
    ) as error:
        raise ModelError(
            path,
            f"not a usable weight file ({_first_line(error)})",
            "Install again, or import the model again.",
        ) from error
    if not isinstance(preset, str) or preset not in PRESETS:
        raise ModelError(path, f"its preset '{preset}' is unknown", "Update lgbpn.")
    network.eval()
    return network, preset


def adapted_base(path: Path) -> AdaptedBase | None:
    """Return the student that the adapter in `path` belongs to; None for a file that needs no other, or is damaged."""
    try:
        header, _ = _content(path)
        return AdaptedBase(**header[ADAPTS_KEY]) if ADAPTS_KEY in header else None
    except (SafetensorError, OSError, ValueError, KeyError, TypeError):
        return None


def _content(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return what the header of a file says of its network, and its tensors."""
    with safe_open(path, framework="pt") as file:
        header = json.loads((file.metadata() or {})[CONFIG_KEY])
        return header, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is not a dictionary


def _weights_of(base: AdaptedBase, adapter: Path) -> dict[str, Tensor]:
    """Return the weights of an adapter's student, whatever its model is called here; ModelError where it is missing."""
    for entry in all_models().values():
        part = entry.parts.get("student")
        if part is not None and part.sha256 == base.sha256:
            path = entry.part_path("student")
            check_file(f"model '{entry.name}'", path, part.sha256)
            header, weights = _content(path)
            if ADAPTS_KEY not in header:
                return weights
    raise ModelError(
        adapter,
        f"it adapts a student of '{base.name}' that is not here (checksum {base.sha256[:12]})",
        "Fine-tune again with this version, remove the model, or install the version that it was made with.",
    )


def _build(header: dict[str, dict[str, Any]], weights: dict[str, Tensor]) -> LGBPN | Student | RawNetwork:
    """Return the network that the header describes, not yet with its weights."""
    if "student" in header:
        shape = StudentConfig(**header["student"])
        _check_u_net_size(shape, weights)
        return Student(shape)
    if "raw" in header:
        raw_shape = RawConfig(**header["raw"])
        _check_u_net_size(raw_shape, weights)
        return RawNetwork(raw_shape)
    config = NetworkConfig(**header["network"])
    _check_size(config, weights)
    return LGBPN(config)


def _check_u_net_size(shape: UNetConfig, weights: dict[str, Tensor]) -> None:
    """Refuse a header whose network is larger than the weights: each level has its convolutions in the file."""
    convolutions = sum(value.ndim == 4 for value in weights.values())
    levels, blocks = len(shape.widths), shape.blocks_by_level
    expected = 2 + 2 * (levels - 1) + 2 * (2 * sum(blocks) - blocks[-1])
    largest = max(value.numel() for value in weights.values())
    if convolutions != expected or 9 * max(shape.widths) ** 2 > largest:
        raise ValueError("there are more or fewer weights than the header claims")


def _check_size(config: NetworkConfig, weights: dict[str, Tensor]) -> None:
    """Refuse a header whose network is not as large as the weights, before memory is taken for it.

    A header can claim any width. The single shapes are compared when the weights are filled in; building the
    network without memory (PyTorch's meta device) would tell them now, but takes seconds to import.
    """
    counts = (config.local_modules, config.global_blocks, config.hidden_width)
    if min(counts) < 0 or parameter_count(config) != sum(value.numel() for value in weights.values()):
        raise ValueError("there are more or fewer weights than the header claims")


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:120]
