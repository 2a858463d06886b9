"""`lgbpn devices`, by the real command and with hardware that is only described."""

from __future__ import annotations

import json

import pytest
import torch
from warm_processes import run_lgbpn_cli

from lgbpn_cli.machine.device import Device, Hardware, choose_device, list_devices


def devices(*options: str) -> str:
    done = run_lgbpn_cli("devices", *options)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_list_names_every_device_and_the_one_that_auto_takes() -> None:
    text = devices()
    assert f"cpu: {choose_device('cpu').description}" in text.splitlines()[-3:][0]
    assert f"--device auto takes {choose_device().name}: " in text.splitlines()[-1]


def test_the_list_for_programs_is_one_json_object() -> None:
    listed = json.loads(devices("--json"))
    assert listed["auto"] == choose_device().name == listed["devices"][0]["name"]
    cpu = listed["devices"][-1]
    assert cpu["name"] == "cpu"
    assert cpu["free_bytes"] > 1_000_000
    assert "float32" in cpu["precisions"]


@pytest.fixture
def free_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Devices that are not there cannot be asked."""
    monkeypatch.setattr(Device, "free_bytes", lambda self: 1)


@pytest.mark.usefixtures("free_memory")
@pytest.mark.parametrize(
    "hardware",
    [Hardware(), Hardware(mps=True), Hardware(cuda=("A", "B"), cuda_bfloat16=True, mps=True)],
    ids=["cpu", "apple", "two gpus"],
)
def test_the_first_device_of_the_list_is_the_one_that_auto_takes(hardware: Hardware) -> None:
    listed = list_devices(hardware)
    assert listed.auto == listed.devices[0].name == choose_device("auto", hardware).name
    assert len(listed.devices) == len(hardware.cuda) + hardware.mps + 1


@pytest.mark.usefixtures("free_memory")
def test_each_device_says_in_what_it_computes() -> None:
    cuda, mps, cpu = list_devices(Hardware(cuda=("Old GPU",), mps=True, cpu_bfloat16=True)).devices
    assert (cuda.precisions, cuda.auto_precision) == (("float32", "float16"), "float32")
    assert (mps.precisions, mps.auto_precision) == (("float32",), "float32")
    assert (cpu.precisions, cpu.auto_precision) == (("float32", "bfloat16", "float16"), "bfloat16")


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_autocast_computes_in_the_precision_asked_for(precision: str) -> None:
    with choose_device("cpu").autocast(precision):  # type: ignore[arg-type]
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == getattr(torch, precision)


def test_only_a_lack_of_memory_is_taken_for_one() -> None:
    device = choose_device("cpu")
    cpu_text = (
        "[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: can't allocate memory: you tried ..."
    )
    for error in (
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"),
        RuntimeError(cpu_text),
    ):
        assert device.is_out_of_memory(error)
    for other in (RuntimeError("the tensors disagree"), ValueError("out of memory")):
        assert not device.is_out_of_memory(other)
