"""The file of the noise estimator: only a whole one of the right network is read."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from lgbpn_cli.errors import ModelError
from lgbpn_cli.models.manifest import shipped_noise_estimator
from lgbpn_cli.noise.weights import read_noise_estimator


def test_the_shipped_one_is_read_as_float32() -> None:
    network = read_noise_estimator(shipped_noise_estimator()[0])
    assert not network.training
    assert {value.dtype for value in network.state_dict().values()} == {torch.float32}


@pytest.mark.parametrize("damage", ["cut", "empty", "other network", "missing"])
def test_anything_else_is_named_with_a_cure(tmp_path: Path, damage: str) -> None:
    good, path = shipped_noise_estimator()[0], tmp_path / "noise.safetensors"
    if damage == "cut":
        path.write_bytes(good.read_bytes()[:1000])
    elif damage == "empty":
        path.touch()
    elif damage == "other network":
        save_file({name: value[:1].clone() for name, value in load_file(good).items()}, path)
    with pytest.raises(ModelError, match="not a usable noise estimator") as raised:
        read_noise_estimator(path)
    assert path.name in str(raised.value)
    assert "Install again" in str(raised.value)
