"""One pass of the published-size LG-BPN network over a 256x256 patch: seconds, peak memory, and the share of peak.

    python benchmarks/published_size.py [--precision auto|float32|bfloat16] [--repeats 5]

Speed and memory do not depend on the weights, so they are random. Seconds are only comparable on one machine with
nothing else running; the ratio to the same machine's matrix product is printed beside them. For scale: the
authors' program took 86 s and 7.0 GB for this pass on two cores.
"""

from __future__ import annotations

import argparse
import json
import resource
import time

import torch

from lgbpn_cli.cli.allocator import keep_freed_buffers
from lgbpn_cli.config import PRECISIONS, PRESETS, PUBLISHED
from lgbpn_cli.device import choose_device
from lgbpn_cli.network.lgbpn import LGBPN

PATCH_PX = 256
MATRIX_SIDE = 2048


def best_seconds(call, repeats: int) -> float:
    """Return the shortest of `repeats` runs, after one that is not counted."""
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--precision", choices=PRECISIONS, default="auto")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()

    keep_freed_buffers()  # as the lgbpn command does
    device = choose_device("cpu")
    torch.manual_seed(0)
    network = LGBPN(PUBLISHED).eval()
    patch = torch.rand(1, 3, PATCH_PX, PATCH_PX)
    sampling = PRESETS["sidd"].first

    def one_pass() -> None:
        with torch.inference_mode(), device.autocast(arguments.precision):
            network(patch, sampling)

    seconds = best_seconds(one_pass, arguments.repeats)
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    matrix = torch.rand(MATRIX_SIDE, MATRIX_SIDE)

    def product() -> None:
        with device.autocast(arguments.precision):
            torch.mm(matrix, matrix)

    product_seconds = best_seconds(product, arguments.repeats)
    print(
        json.dumps(
            {
                "precision": arguments.precision,
                "threads": torch.get_num_threads(),
                "seconds": round(seconds, 3),
                "peak_resident_gigabytes": round(peak_bytes / 1e9, 3),
                f"seconds_per_{MATRIX_SIDE}_matrix_product": round(product_seconds, 4),
                "passes_per_matrix_product": round(seconds / product_seconds, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
