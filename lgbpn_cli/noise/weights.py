"""The weights of the noise estimator, which ship beside the models and serve all of them."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file

from lgbpn_cli.errors import ModelError
from lgbpn_cli.models.manifest import shipped_noise_estimator
from lgbpn_cli.noise.network import NoiseEstimator


def read_noise_estimator(path: Path) -> NoiseEstimator:
    """Return the network stored in `path`, float32, on the CPU in evaluation mode; ModelError for any other file."""
    network = NoiseEstimator()
    try:
        network.load_state_dict(load_file(path))
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        cause = (str(error) or type(error).__name__).splitlines()[0][:120]
        raise ModelError(path, f"not a usable noise estimator ({cause})", "Install again.") from error
    network.eval()
    return network


def verify_noise_estimator() -> None:
    """Return if the noise estimator that ships is whole and readable; ModelError else."""
    read_noise_estimator(shipped_noise_estimator()[0])
