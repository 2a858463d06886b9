"""What keeping freed buffers brings: seconds of one network call on a tile, without and with it, in one run.

    python benchmarks/allocator.py [--side 512]

Prints JSON; `ratio` is the time without over the time with `keep_freed_buffers`.
"""

from __future__ import annotations

import argparse
import json
import time

import torch

from lgbpn_cli.cli.allocator import keep_freed_buffers
from lgbpn_cli.config import NETWORKS, PRESETS
from lgbpn_cli.device import choose_device
from lgbpn_cli.network.lgbpn import LGBPN


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    device = choose_device("cpu")
    torch.manual_seed(0)
    network = LGBPN(NETWORKS["small"]).eval()
    sampling = PRESETS["dnd"].first
    tile = torch.rand(1, 3, arguments.side, arguments.side)

    @torch.inference_mode()
    def best_seconds() -> float:
        frozen = network.freeze(tile[..., :96, :96], sampling)
        times = []
        for _ in range(arguments.repeats + 1):
            start = time.perf_counter()
            with device.autocast():
                network(tile, sampling, frozen=frozen)
            times.append(time.perf_counter() - start)
        return min(times[1:])

    without = best_seconds()
    keep_freed_buffers()
    kept = best_seconds()
    print(
        json.dumps({"without": round(without, 3), "with": round(kept, 3), "ratio": round(without / kept, 2)})
    )


if __name__ == "__main__":
    main()
