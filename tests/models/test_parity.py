"""Agreement with outputs of the LG-BPN authors' own program."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from reference.slow_lgbpn import slow_lgbpn, sort_weights
from typer.testing import CliRunner

from lgbpn_cli.cli.main import app
from lgbpn_cli.config import PRESETS, PassConfig
from lgbpn_cli.machine.device import choose_device
from lgbpn_cli.models.load import load_model
from lgbpn_cli.network.lgbpn import LGBPN

TOLERANCE_8BIT = 1e-4
"""In levels of 0..255; the outputs spread over about 6."""
SIZES = ["96x96", "120x96", "84x132"]


class Imported(NamedTuple):
    network: LGBPN
    outputs: dict[str, np.ndarray]

    def image(self, size: str) -> torch.Tensor:
        return torch.from_numpy(self.outputs[f"input_{size}"]).permute(2, 0, 1)[None] / 255

    def difference_8bit(self, result: torch.Tensor, size: str, preset: str, which: str) -> float:
        expected = self.outputs[f"output_{size}_{preset}_{which}"]
        return float(np.abs(result[0].permute(1, 2, 0).numpy() * 255 - expected).max())


def sampling_of(preset: str, which: str) -> PassConfig:
    return PRESETS[preset].first if which == "first" else PRESETS[preset].refine


@pytest.fixture(scope="module")
def imported(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Imported:
    """The authors' checkpoint, imported with the real command, loaded by the name it got."""
    folder = tmp_path_factory.mktemp("models")
    file = data_root / "parity" / "authors-format-width16.pth"
    with pytest.MonkeyPatch.context() as patch:
        for module in ("lgbpn_cli.models.manifest.user_folder", "lgbpn_cli.models.manifest.shipped_folder"):
            patch.setattr(module, lambda: folder)
        arguments = ["models", "import", str(file), "--name", "parity-16", "--preset", "dnd"]
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, result.output
        model = load_model("parity-16", device=choose_device("cpu"))
    assert model.preset == "dnd"
    with np.load(data_root / "parity" / "outputs.npz") as file_of_outputs:
        outputs = dict(file_of_outputs)
    return Imported(model.network, outputs)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("which", ["first", "refine"])
@pytest.mark.parametrize("preset", ["sidd", "dnd"])
def test_parity_with_the_authors_program(imported: Imported, preset: str, which: str, size: str) -> None:
    with torch.no_grad():
        result = imported.network(
            imported.image(size), sampling_of(preset, which), attention_scope="sub_image"
        )
    assert imported.difference_8bit(result, size, preset, which) < TOLERANCE_8BIT


def test_parity_needs_attention_per_sub_image(imported: Imported) -> None:
    """The comparison is sharp enough to tell the two scopes apart."""
    with torch.no_grad():
        result = imported.network(imported.image("96x96"), PRESETS["sidd"].first)
    assert imported.difference_8bit(result, "96x96", "sidd", "first") > TOLERANCE_8BIT


@pytest.mark.slow
@pytest.mark.parametrize(("preset", "which"), [("sidd", "first"), ("dnd", "refine")])
def test_parity_of_the_slow_twin_with_the_authors_program(
    imported: Imported, preset: str, which: str
) -> None:
    network = imported.network
    weights = sort_weights(network.state_dict(), network.config)
    sampling = sampling_of(preset, which)
    result = slow_lgbpn(weights, network.config, sampling, imported.image("96x96"), "sub_image")
    assert imported.difference_8bit(result, "96x96", preset, which) < TOLERANCE_8BIT
