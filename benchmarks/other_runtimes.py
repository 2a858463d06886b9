"""Would another runtime run the student faster? PyTorch as it is, torch.compile, and OpenVINO where it is installed.

    pip install openvino && python benchmarks/other_runtimes.py [--threads N]

Seconds of processor time for one tile of 640x640 px, the least of several runs taken in turn; and how far the result is
from PyTorch's. Compilation is not counted, though the first two photos of a run would wait for it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
from torch import Tensor

from lgbpn_cli.denoise.denoiser import load_model

TILE_PX = 640
ROUNDS = 8


def with_openvino(network: torch.nn.Module, tile: Tensor, threads: int) -> Callable[[], Tensor]:
    """Return a run of the network by OpenVINO; ImportError where it is missing."""
    import openvino

    converted = openvino.convert_model(network, example_input=tile, input=[tuple(tile.shape)])
    options = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(converted, "CPU", options)
    return lambda: torch.from_numpy(compiled(tile.numpy())[0])


@torch.inference_mode()
def main() -> None:
    """Print one line for each runtime."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    threads = parser.parse_args().threads
    torch.set_num_threads(threads)
    network, tile = load_model(device="cpu").network.eval(), torch.rand(1, 3, TILE_PX, TILE_PX)
    compiled = torch.compile(network)
    runtimes: dict[str, Callable[[], Tensor]] = {
        "PyTorch": lambda: network(tile),
        "torch.compile": lambda: compiled(tile),
    }
    try:
        runtimes["OpenVINO"] = with_openvino(network, tile, threads)
    except ImportError:
        print("OpenVINO is not installed")
    expected = network(tile)
    apart = {name: float((run() - expected).abs().max()) for name, run in runtimes.items()}
    seconds = dict.fromkeys(runtimes, float("inf"))
    for _ in range(ROUNDS):
        for name, run in runtimes.items():
            started = time.process_time()
            run()
            seconds[name] = min(seconds[name], time.process_time() - started)
    for name, needed in seconds.items():
        ratio = seconds["PyTorch"] / needed
        print(f"{name:14} {needed:.3f} s  {ratio:.2f} times as fast  {255 * apart[name]:.4f} levels apart")


if __name__ == "__main__":
    main()
