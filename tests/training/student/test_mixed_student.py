"""recipes/mixed_student.py: a student between two others, which runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import lgbpn_cli
from lgbpn_cli.config import StudentConfig
from lgbpn_cli.models.weight_file import write_weights
from lgbpn_cli.network.student import Student


@pytest.fixture
def base(repo_root: Path) -> Path:
    return repo_root / "weights" / "lgbpn-base-student.safetensors"


def mix(repo_root: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    script = repo_root / "recipes" / "mixed_student.py"
    return subprocess.run(
        [sys.executable, script, *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_mixed_weights_lie_between_the_two_and_load(repo_root: Path, base: Path, tmp_path: Path) -> None:
    model = lgbpn_cli.load_model(str(base))
    assert isinstance(model.network, Student)
    other, mixed = tmp_path / "other.safetensors", tmp_path / "mixed.safetensors"
    zeros = {name: torch.zeros_like(value).half() for name, value in load_file(base).items()}
    write_weights(other, zeros, model.network.config, "sidd")
    done = mix(repo_root, base, other, "--share", 0.75, "--output", mixed)
    assert done.returncode == 0, done.stderr
    for name, value in load_file(mixed).items():
        torch.testing.assert_close(value.float(), 0.75 * load_file(base)[name].float(), rtol=1e-3, atol=1e-6)
    lgbpn_cli.load_model(str(mixed))


def test_blocks_that_only_the_first_has_add_nothing_to_the_second(repo_root: Path, tmp_path: Path) -> None:
    paths, mixed = (
        [tmp_path / "first.safetensors", tmp_path / "second.safetensors"],
        tmp_path / "mixed.safetensors",
    )
    networks = []
    for path, blocks in zip(paths, ((1, 2), 1), strict=True):
        network = Student(StudentConfig(widths=(4, 8), blocks=blocks)).eval()
        torch.nn.init.normal_(network.exit.weight, std=0.1)
        write_weights(path, network.state_dict(), network.config, "sidd")
        networks.append(network)
    done = mix(repo_root, *paths, "--share", 0.0, "--output", mixed)
    assert done.returncode == 0, done.stderr
    picture = torch.rand(1, 3, 32, 32)
    found = lgbpn_cli.load_model(str(mixed)).network
    assert isinstance(found, Student)
    assert found.config.blocks == (1, 2)
    with torch.inference_mode():
        torch.testing.assert_close(found(picture), networks[1](picture))
        assert not torch.allclose(found(picture), networks[0](picture))


def test_students_of_other_shapes_do_not_mix(repo_root: Path, base: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    save_file({"a": torch.zeros(2)}, other)
    done = mix(repo_root, base, other, "--share", 0.5, "--output", tmp_path / "mixed.safetensors")
    assert done.returncode == 2
    assert "other widths, or more blocks" in done.stderr
    assert not (tmp_path / "mixed.safetensors").exists()
