"""Several processes that train one network: each takes its share of every batch."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from lgbpn_cli.errors import UsageError
from lgbpn_cli.machine.device import Device


@dataclass(frozen=True)
class ProcessGroup:
    """Which of how many processes this is; alone unless torchrun started it."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes files and talks to people."""
        return self.rank == 0

    def share(self, batch: Tensor) -> Tensor:
        """Return this process's crops of a batch."""
        return batch[self.rank :: self.size]

    def mean(self, value: float) -> float:
        """Return the mean of a number over all processes."""
        if self.size == 1:
            return value
        total = torch.tensor(value, dtype=torch.float64)
        distributed.all_reduce(total)
        return float(total) / self.size

    def agree(self, value: int) -> int:
        """Return the number that the leading process has."""
        if self.size == 1:
            return value
        shared = torch.tensor(value)
        distributed.broadcast(shared, 0)
        return int(shared)

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.size > 1:
            distributed.barrier()

    def wrap(self, network: nn.Module, device: Device) -> nn.Module:
        """Return the network so that its gradients are the mean over all processes."""
        if self.size == 1:
            return network
        place = [device.torch_device] if device.torch_device.type == "cuda" else None
        return DistributedDataParallel(network, device_ids=place)


@contextmanager
def joined_group(batch: int) -> Iterator[ProcessGroup]:
    """Give the group that torchrun started this process in, for batches of this size; else this process alone.

    Gradients travel over gloo, which every machine has; the numbers that are shared are few.
    Raises UsageError where the processes cannot share the batch evenly.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield ProcessGroup()
        return
    if batch % size:
        raise UsageError("`batch`", f"{batch} crops cannot be shared by {size} processes", "Use a multiple.")
    # The leading process judges and distils while the others wait, for as long as that takes.
    backend = "gloo" if not torch.cuda.is_available() else "cpu:gloo,cuda:nccl"
    distributed.init_process_group(backend, timeout=timedelta(days=7))
    try:
        yield ProcessGroup(distributed.get_rank(), size)
    finally:
        # A network in a cycle of references keeps the group alive until Python ends, and then gloo's threads abort the
        # process now and then (pytorch/pytorch#179291).
        gc.collect()
        distributed.destroy_process_group()
