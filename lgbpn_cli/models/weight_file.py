"""Weight files: safetensors with the network's configuration inside, so that a file needs nothing beside it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from lgbpn_cli.config import PRESETS, NetworkConfig
from lgbpn_cli.errors import ModelError, UsageError
from lgbpn_cli.network.lgbpn import LGBPN, parameter_count

CONFIG_KEY = "lgbpn"


def write_weights(path: Path, weights: dict[str, Tensor], config: NetworkConfig, preset: str) -> None:
    """Write the weights of one network to `path` with its configuration and its preset's name in the header."""
    header = {CONFIG_KEY: json.dumps({"network": asdict(config), "preset": preset}, sort_keys=True)}
    part = path.with_name(path.name + ".part")
    try:
        save_file(
            {name: value.detach().cpu().contiguous() for name, value in weights.items()},
            part,
            metadata=header,
        )
        part.chmod(0o644)  # safetensors writes files that only their owner can read
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def read_weights(path: Path) -> tuple[LGBPN, str]:
    """Return the network stored in `path`, on the CPU in evaluation mode, and the name of its preset.

    Nothing in the file is executed. Raises ModelError for a file that is no weight file of this tool, is
    damaged, or does not fit its own configuration.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {})[CONFIG_KEY])
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dictionary
        config, preset = NetworkConfig(**header["network"]), header["preset"]
        _check_size(config, weights)
        network = LGBPN(config)
        network.load_state_dict(weights)
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
            "Install again, or import the model anew.",
        ) from error
    if not isinstance(preset, str) or preset not in PRESETS:
        raise ModelError(path, f"its preset '{preset}' is unknown", "Update lgbpn.")
    network.eval()
    return network, preset


def _check_size(config: NetworkConfig, weights: dict[str, Tensor]) -> None:
    """Refuse a header whose network is not as large as the weights, before memory is taken for it.

    A header can claim any width. The single shapes are compared when the weights are filled in; building the
    network without memory (PyTorch's meta device) would tell them now, but takes seconds to import.
    """
    counts = (config.local_modules, config.global_blocks, config.hidden_width)
    if min(counts) < 0 or parameter_count(config) != sum(value.numel() for value in weights.values()):
        raise ValueError("the weights are not as many as the header claims")


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:120]
