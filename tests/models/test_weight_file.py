"""Weight files: what goes in comes out, and whatever is not one is refused."""

from __future__ import annotations

import json
import os
import struct
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from reference.networks import TINY, random_network
from safetensors.torch import save_file

from lgbpn_cli.errors import ModelError
from lgbpn_cli.models.weight_file import CONFIG_KEY, read_weights, write_weights


@pytest.fixture
def weight_file(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.safetensors"
    write_weights(path, random_network(dtype=torch.float32).state_dict(), TINY, "dnd")
    return path


def file_with_header(path: Path, **changes: Any) -> Path:
    """Write tiny weights under a header whose network fields are changed."""
    document = {"network": {**asdict(TINY), **changes}, "preset": "dnd"}
    return file_with_document(path, json.dumps(document))


def file_with_document(path: Path, document: str) -> Path:
    weights = random_network(dtype=torch.float32).state_dict()
    save_file(dict(weights), path, metadata={CONFIG_KEY: document})
    return path


def refusal_of(path: Path) -> str:
    """Return the one-line message of the ModelError that reading `path` raises."""
    with pytest.raises(ModelError) as caught:
        read_weights(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_weights_configuration_and_preset_come_back(weight_file: Path) -> None:
    network, preset = read_weights(weight_file)
    expected = random_network(dtype=torch.float32).state_dict()
    assert network.config == TINY
    assert preset == "dnd"
    assert network.state_dict().keys() == expected.keys()
    assert all(torch.equal(value, expected[name]) for name, value in network.state_dict().items())


def test_a_network_is_read_in_evaluation_mode(weight_file: Path) -> None:
    assert not read_weights(weight_file)[0].training


def test_the_same_weights_make_the_same_bytes(weight_file: Path, tmp_path: Path) -> None:
    second = tmp_path / "second.safetensors"
    write_weights(second, random_network(dtype=torch.float32).state_dict(), TINY, "dnd")
    assert second.read_bytes() == weight_file.read_bytes()


def test_writing_leaves_nothing_but_the_file(weight_file: Path) -> None:
    assert list(weight_file.parent.iterdir()) == [weight_file]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such permissions")
def test_everyone_may_read_a_weight_file(weight_file: Path) -> None:
    assert weight_file.stat().st_mode & 0o777 == 0o644


def test_a_failed_write_leaves_the_older_file_and_nothing_else(
    weight_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = weight_file.read_bytes()

    def fail(path: Path, content: bytes) -> None:
        with path.open("wb") as file:
            file.write(content[: len(content) // 2])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", fail)
        with pytest.raises(OSError, match="No space"):
            write_weights(weight_file, random_network(seed=1).state_dict(), TINY, "dnd")
    assert weight_file.read_bytes() == before
    assert list(weight_file.parent.iterdir()) == [weight_file]


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "no such file" in refusal_of(tmp_path / "missing.safetensors")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    refusal_of(tmp_path)


@pytest.mark.parametrize("kept_bytes", [0, 4, 8, 100, -1])
def test_a_truncated_file_is_refused(weight_file: Path, kept_bytes: int) -> None:
    weight_file.write_bytes(weight_file.read_bytes()[:kept_bytes])
    refusal_of(weight_file)


def test_a_text_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.safetensors"
    path.write_text("not weights\n" * 100)
    refusal_of(path)


@pytest.mark.parametrize("length", [2**63, 2**40, 10**8])
def test_a_header_longer_than_the_file_is_refused(tmp_path: Path, length: int) -> None:
    path = tmp_path / "huge.safetensors"
    path.write_bytes(struct.pack("<Q", length) + b"{}")
    refusal_of(path)


def test_safetensors_of_another_program_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "foreign.safetensors"
    save_file({"weight": torch.ones(3)}, path)
    refusal_of(path)


@pytest.mark.parametrize(
    "document", ["", "no json", "[]", "3", "{}", '{"network": 5, "preset": "dnd"}', '{"network": {}}']
)
def test_a_header_of_another_kind_is_refused(tmp_path: Path, document: str) -> None:
    refusal_of(file_with_document(tmp_path / "header.safetensors", document))


@pytest.mark.parametrize(
    "changes",
    [
        {"width": 8},
        {"head_width": 5},
        {"global_blocks": 1},
        {"global_blocks": 3},
        {"local_modules": 0},
        {"attention_heads": 1},
        {"local_kernel_px": 7},
        {"feed_forward_expansion": 3.0},
    ],
    ids=str,
)
def test_a_header_that_claims_other_shapes_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert "claims" in refusal_of(file_with_header(tmp_path / "claims.safetensors", **changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"width": 2 * 10**9},
        {"width": 2 * 10**18},
        {"head_width": 10**12},
        {"local_modules": 10**9},
        {"global_blocks": 10**9},
        {"global_kernel_px": 200_001, "training_global_pd": 10**6},
        {"feed_forward_expansion": 1e300},
        {"feed_forward_expansion": float("inf")},
        {"attention_heads": 0},
        {"width": 0},
        {"width": -4},
        {"width": "6"},
        {"width": 6.5},
        {"local_modules": None},
        {"surprise": 1},
        {"training_local_pd": 1},
    ],
    ids=str,
)
def test_an_absurd_header_is_refused_at_once(tmp_path: Path, changes: dict[str, Any]) -> None:
    refusal_of(file_with_header(tmp_path / "absurd.safetensors", **changes))


@pytest.mark.parametrize("preset", ["raw", ["dnd"], None])
def test_an_unknown_preset_is_refused(tmp_path: Path, preset: object) -> None:
    document = json.dumps({"network": asdict(TINY), "preset": preset})
    message = refusal_of(file_with_document(tmp_path / "preset.safetensors", document))
    assert f"preset '{preset}' is unknown" in message


def test_weights_of_the_right_number_in_wrong_shapes_are_refused(tmp_path: Path) -> None:
    weights = random_network(dtype=torch.float32).state_dict()
    path = tmp_path / "reshaped.safetensors"
    document = json.dumps({"network": asdict(TINY), "preset": "dnd"})
    reshaped = {**weights, "join.weight": weights["join.weight"].flatten()}
    save_file(reshaped, path, metadata={CONFIG_KEY: document})
    refusal_of(path)
