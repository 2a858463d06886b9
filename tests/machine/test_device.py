"""Choosing a device, with hardware that is only described."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from lgbpn_cli.errors import DeviceError
from lgbpn_cli.machine.device import (
    Device,
    Hardware,
    choose_device,
    convolution_seconds,
    decided_once,
    has_fast_bfloat16,
    probe_hardware,
)

NOTHING = Hardware()
ONE_GPU = Hardware(cuda=("Big GPU",), cuda_bfloat16=True, mps=True)
TWO_GPUS = Hardware(cuda=("Big GPU", "Small GPU"))
APPLE = Hardware(mps=True, cpu_bfloat16=True)


def test_auto_prefers_cuda() -> None:
    assert choose_device("auto", ONE_GPU).name == "cuda:0"


def test_auto_takes_mps_where_there_is_no_cuda() -> None:
    assert choose_device("auto", APPLE).name == "mps"


def test_auto_falls_back_to_the_cpu_and_says_so() -> None:
    device = choose_device("auto", NOTHING)
    assert device.name == "cpu"
    assert device.note is not None
    assert "CPU" in device.note


@pytest.mark.parametrize("hardware", [ONE_GPU, APPLE])
def test_a_gpu_needs_no_note(hardware: Hardware) -> None:
    assert choose_device("auto", hardware).note is None


def test_the_cpu_needs_no_note_when_it_is_asked_for() -> None:
    assert choose_device("cpu", ONE_GPU).name == "cpu"
    assert choose_device("cpu", ONE_GPU).note is None


def test_cuda_without_a_number_is_the_first_gpu() -> None:
    assert choose_device("cuda", TWO_GPUS).name == "cuda:0"


def test_cuda_with_a_number_is_that_gpu() -> None:
    device = choose_device("cuda:1", TWO_GPUS)
    assert device.name == "cuda:1"
    assert "Small GPU" in device.description
    assert device.torch_device == torch.device("cuda", 1)


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "mps"])
def test_a_device_asked_for_that_is_missing_is_an_error(name: str) -> None:
    with pytest.raises(DeviceError, match=name):
        choose_device(name, NOTHING)


def test_a_gpu_number_beyond_the_last_is_an_error_that_says_how_many_there_are() -> None:
    with pytest.raises(DeviceError, match=r"`device` cuda:1: this machine has 1 CUDA GPU"):
        choose_device("cuda:1", ONE_GPU)


@pytest.mark.parametrize(
    "name", ["", "gpu", "CUDA", "cuda:", "cuda:-1", "cuda:one", "cuda:0:1", "cpu:0", "mps:0", "meta"]
)
def test_a_name_that_is_no_device_is_an_error(name: str) -> None:
    with pytest.raises(DeviceError, match="no such kind of device"):
        choose_device(name, ONE_GPU)


def test_bfloat16_is_fast_where_the_hardware_has_it() -> None:
    assert choose_device("cuda", ONE_GPU).fast_bfloat16
    assert not choose_device("cuda", TWO_GPUS).fast_bfloat16
    assert choose_device("cpu", APPLE).fast_bfloat16
    assert not choose_device("cpu", ONE_GPU).fast_bfloat16
    assert not choose_device("mps", APPLE).fast_bfloat16


def product_dtype(device: Device, *precision: str) -> torch.dtype:
    """Return the dtype of a matrix product inside the device's autocast."""
    with device.autocast(*precision):  # type: ignore[arg-type]
        return (torch.ones(2, 2) @ torch.ones(2, 2)).dtype


def test_auto_precision_is_bfloat16_where_that_is_fast_and_float32_elsewhere() -> None:
    assert product_dtype(choose_device("cpu", Hardware(cpu_bfloat16=True))) == torch.bfloat16
    assert product_dtype(choose_device("cpu", NOTHING)) == torch.float32


def test_a_precision_asked_for_is_taken_whatever_is_fast() -> None:
    assert product_dtype(choose_device("cpu", Hardware(cpu_bfloat16=True)), "float32") == torch.float32
    assert product_dtype(choose_device("cpu", NOTHING), "bfloat16") == torch.bfloat16


def test_precision_is_as_before_after_the_network_ran() -> None:
    with choose_device("cpu", NOTHING).autocast("bfloat16"):
        pass
    assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


def test_probing_names_every_gpu_that_pytorch_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: f"GPU {index}")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    found = probe_hardware()
    assert found.cuda == ("GPU 0", "GPU 1")
    assert found.cuda_bfloat16
    assert not found.mps


@pytest.mark.parametrize(
    ("tiles", "avx512", "convolves_faster", "fast"),
    [
        (True, True, False, True),  # AMX is always faster
        (False, True, True, True),
        (False, True, False, False),
        (False, False, True, False),  # without instructions it is emulated, and not even tried
    ],
)
def test_amx_makes_bfloat16_fast_on_a_cpu_and_avx512_does_where_it_convolves_faster(
    tiles: bool, avx512: bool, convolves_faster: bool, fast: bool
) -> None:
    cpu = SimpleNamespace(_is_amx_tile_supported=lambda: tiles, _is_avx512_bf16_supported=lambda: avx512)
    assert has_fast_bfloat16(cpu, lambda: convolves_faster) == fast


def test_a_pytorch_without_those_probes_has_no_fast_bfloat16() -> None:
    assert not has_fast_bfloat16(SimpleNamespace(), lambda: True)


def test_this_machine_is_asked_by_pytorchs_own_probes() -> None:
    found = probe_hardware().cpu_bfloat16
    assert has_fast_bfloat16(torch.cpu, lambda: found) == found


def test_a_convolution_is_timed_in_both_formats_without_a_draw_of_random_numbers() -> None:
    before = torch.get_rng_state()
    assert all(convolution_seconds(dtype) > 0 for dtype in (torch.float32, torch.bfloat16))
    assert torch.equal(torch.get_rng_state(), before)


def test_what_is_faster_is_decided_once_a_machine(tmp_path: Path) -> None:
    asked = []

    def decide(answer: bool) -> bool:
        asked.append(answer)
        return answer

    def decided(machine: str, answer: bool) -> bool:
        return decided_once(machine, lambda: decide(answer), tmp_path / "cache")

    assert decided("one", True)
    assert decided("one", False)
    assert not decided("other", False)
    assert asked == [True, False]
    for path in (tmp_path / "cache").iterdir():
        path.write_text("half")
    assert not decided("one", False)
    assert not decided("one", True)


def test_where_nothing_can_be_kept_it_is_decided_each_time(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    folder = tmp_path / "cache" / "lgbpn"
    assert decided_once("one", lambda: True, folder)
    assert not decided_once("one", lambda: False, folder)
