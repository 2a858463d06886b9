"""Import of checkpoints in the authors' layout: what comes over, and what is refused."""

from __future__ import annotations

import io
import os
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from reference.authors_layout import authors_checkpoint, authors_state
from reference.networks import TINY, random_image, random_network

from lgbpn_cli.config import PRESETS
from lgbpn_cli.errors import ModelError
from lgbpn_cli.models.manifest import ModelEntry, read_manifest
from lgbpn_cli.models.weight_file import read_weights
from lgbpn_cli.research.authors_format import convert_state, import_checkpoint


def checkpoint_file(folder: Path, *, seed: int = 0, name: str = "theirs.pth") -> Path:
    path = folder / name
    torch.save(authors_checkpoint(random_network(seed=seed, dtype=torch.float32)), path)
    return path


def refusal_of(path: Path, folder: Path, **options: Any) -> str:
    """Return the message of the ModelError that importing `path` raises, one line; nothing is left."""
    before = sorted(folder.iterdir()) if folder.exists() else []
    with pytest.raises(ModelError) as caught:
        import_checkpoint(path, folder=folder, **options)
    assert "\n" not in str(caught.value)
    assert (sorted(folder.iterdir()) if folder.exists() else []) == before
    return str(caught.value)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def imported(tmp_path: Path, models: Path) -> ModelEntry:
    return import_checkpoint(checkpoint_file(tmp_path), folder=models, name="theirs", preset="dnd")


def test_an_imported_model_computes_what_the_original_does(imported: ModelEntry) -> None:
    network, preset = read_weights(imported.part_path("teacher"))
    image, sampling = random_image(1, 3, 40, 44, dtype=torch.float32), PRESETS[preset].first
    with torch.no_grad():
        expected = random_network(dtype=torch.float32)(image, sampling)
        assert torch.equal(network(image, sampling), expected)


def test_the_implied_configuration_is_that_of_the_original(imported: ModelEntry) -> None:
    config = read_weights(imported.part_path("teacher"))[0].config
    assert config.hidden_width == TINY.hidden_width
    assert replace(config, feed_forward_expansion=TINY.feed_forward_expansion) == TINY


def test_every_hidden_width_survives_the_import() -> None:
    for hidden in range(10, 20):
        config = replace(TINY, width=22, feed_forward_expansion=(hidden + 0.5) / 22)
        _, implied = convert_state(authors_state(random_network(config, dtype=torch.float32)), "here")
        assert implied.hidden_width == hidden


def test_hidden_taps_are_zero_after_import(imported: ModelEntry) -> None:
    network: Any = read_weights(imported.part_path("teacher"))[0]
    for layer in (network.local_branch.masked, network.global_branch.masked):
        assert (layer.weight[..., ~layer.kept] == 0).all()
        assert (layer.weight[..., layer.kept] != 0).all()


def test_temperatures_have_one_value_a_head_after_import(imported: ModelEntry) -> None:
    network, _ = read_weights(imported.part_path("teacher"))
    expected = random_network(dtype=torch.float32).state_dict()
    for name, value in network.state_dict().items():
        if name.endswith("temperature"):
            assert value.shape == (TINY.attention_heads,)
            assert torch.equal(value, expected[name])


def test_derived_copies_in_the_file_do_not_matter(tmp_path: Path, models: Path) -> None:
    network = random_network(dtype=torch.float32)
    document = authors_checkpoint(network)
    state = document["model_weight"]["denoiser"]
    with_copies, _ = convert_state(state, "here")
    without = {
        name: value for name, value in state.items() if ".mask" not in name and "test_conv" not in name
    }
    assert len(without) < len(state)
    converted, _ = convert_state(without, "here")
    assert all(torch.equal(converted[name], value) for name, value in with_copies.items())


def test_the_name_is_the_stem_of_the_file_unless_given(tmp_path: Path, models: Path) -> None:
    assert (
        import_checkpoint(checkpoint_file(tmp_path, name="LGBPN_SIDD.pth"), folder=models).name
        == "LGBPN_SIDD"
    )


def test_an_import_is_listed_with_its_preset_and_checksum(imported: ModelEntry, models: Path) -> None:
    assert read_manifest(models) == {"theirs": imported}
    assert imported.preset == "dnd"


def test_importing_the_same_bytes_again_succeeds(tmp_path: Path, imported: ModelEntry, models: Path) -> None:
    again = import_checkpoint(tmp_path / "theirs.pth", folder=models, name="theirs", preset="dnd")
    assert again.parts == imported.parts
    assert sorted(each.name for each in models.glob("[!.]*")) == ["manifest.json", "theirs.safetensors"]


def test_other_weights_under_a_taken_name_are_refused(
    tmp_path: Path, imported: ModelEntry, models: Path
) -> None:
    before = imported.part_path("teacher").read_bytes()
    other = checkpoint_file(tmp_path, seed=1, name="other.pth")
    assert "another model has this name" in refusal_of(other, models, name="theirs", preset="dnd")
    assert imported.part_path("teacher").read_bytes() == before


def test_the_same_weights_under_a_second_name_are_a_second_model(
    tmp_path: Path, imported: ModelEntry, models: Path
) -> None:
    import_checkpoint(tmp_path / "theirs.pth", folder=models, name="second", preset="dnd")
    assert sorted(read_manifest(models)) == ["second", "theirs"]


class _CreatesAFile:
    """Pickles into a call that creates a file when the pickle is loaded without care."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_that_would_run_code_is_refused_unrun(tmp_path: Path, models: Path, zipped: bool) -> None:
    trap, path = tmp_path / "trap", tmp_path / "unsafe.pth"
    document = {**authors_checkpoint(random_network(dtype=torch.float32)), "extra": _CreatesAFile(trap)}
    torch.save(document, path, _use_new_zipfile_serialization=zipped)
    assert "would run code" in refusal_of(path, models)
    assert not trap.exists()


def test_the_trap_of_the_test_above_does_spring_when_loaded_without_care(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    pickle.loads(pickle.dumps(_CreatesAFile(trap)))
    assert trap.exists()


def test_a_missing_file_is_refused(tmp_path: Path, models: Path) -> None:
    assert "no such file" in refusal_of(tmp_path / "missing.pth", models)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint\n" * 20, b"\x80\x02", b"PK\x03\x04" + bytes(60)])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, models: Path, content: bytes) -> None:
    path = tmp_path / "odd.pth"
    path.write_bytes(content)
    assert str(path) in refusal_of(path, models)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_a_truncated_file_is_refused(tmp_path: Path, models: Path, share: float) -> None:
    path = checkpoint_file(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    refusal_of(path, models)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damaged_bytes_anywhere_in_an_old_style_file_give_one_line(tmp_path: Path, models: Path) -> None:
    buffer = io.BytesIO()
    small = {"epoch": 1, "model_weight": {"denoiser": {"bsn.head.0.weight": torch.ones(2, 3)}}}
    torch.save(small, buffer, _use_new_zipfile_serialization=False)
    content, path = buffer.getvalue(), tmp_path / "old.pth"
    for place in range(0, len(content), 3):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x5A]) + content[place + 1 :])
        refusal_of(path, models)


def test_a_folder_is_refused(tmp_path: Path, models: Path) -> None:
    refusal_of(tmp_path, models)


@pytest.mark.parametrize(
    "document",
    [
        {},
        [1, 2],
        {"model_weight": {}},
        {"model_weight": {"denoiser": 3}},
        {"model_weight": {"denoiser": {1: 2}}},
    ],
)
def test_another_layout_is_refused(tmp_path: Path, models: Path, document: object) -> None:
    path = tmp_path / "layout.pth"
    torch.save(document, path)
    refusal_of(path, models)


ATTENTION = "bsn.branch2.body.encoder_level1.0.attn"
CHANGES: dict[str, tuple[str, Any]] = {
    "a missing tensor": ("bsn.head.0.bias", None),
    "a tensor too many": ("bsn.surprise", torch.ones(1)),
    "a wrong shape": ("bsn.tail.0.weight", torch.ones(6, 12, 3, 3)),
    "a wrong kernel": ("bsn.branch1.Maskconv.weight", torch.ones(6, 4, 7, 7)),
    "no width": ("bsn.branch1.Maskconv.weight", torch.ones(0, 4, 9, 9)),
    "no heads": (f"{ATTENTION}.temperature", torch.ones(0, 1, 1)),
    "heads that do not divide": (f"{ATTENTION}.temperature", torch.ones(4, 1, 1)),
    "something that is no tensor": ("bsn.head.0.bias", 3),
}
"""What is wrong with a checkpoint: the tensor, and what stands in its place (None: nothing)."""


@pytest.mark.parametrize("change", CHANGES)
def test_weights_that_do_not_fit_are_refused(tmp_path: Path, models: Path, change: str) -> None:
    document = authors_checkpoint(random_network(dtype=torch.float32))
    name, value = CHANGES[change]
    state = document["model_weight"]["denoiser"]
    if value is None:
        del state[name]
    else:
        state[name] = value
    path = tmp_path / "changed.pth"
    torch.save(document, path)
    assert "do not fit" in refusal_of(path, models)


@pytest.mark.parametrize("name", ["../outside", "a/b", "", ".hidden", "with space"])
def test_a_name_that_is_no_file_name_is_refused(tmp_path: Path, models: Path, name: str) -> None:
    path = checkpoint_file(tmp_path, name="with space.pth")
    assert "not a valid model name" in refusal_of(path, models, name=name)


def test_an_unknown_preset_is_refused_naming_those_there_are(tmp_path: Path, models: Path) -> None:
    message = refusal_of(checkpoint_file(tmp_path), models, preset="raw")
    assert "sidd" in message
    assert "dnd" in message
