"""The pairs of the steps to come, made by other processes while the network learns from those of the step at hand."""

from __future__ import annotations

from collections.abc import Iterator

from torch.utils.data import DataLoader, Dataset

from lgbpn_cli.training.config import DistillationConfig
from lgbpn_cli.training.student.pairs import Pairs, PairSampler

AHEAD = 4
"""Steps that each process is ahead at most."""


class LessonsAhead(Dataset[Pairs]):
    """The pairs of each step, in the order of steps without delay, in any other as the sampler makes them."""

    def __init__(self, sampler: PairSampler, config: DistillationConfig) -> None:
        """Take pairs from `sampler`, by as many processes as `config` says."""
        self.sampler, self.workers, self.steps = sampler, config.workers, config.steps
        self._next: int | None = None
        self._coming: Iterator[Pairs] | None = None

    def __getitem__(self, step: int) -> Pairs:
        """Return the pairs of a step; asked by the processes."""
        return self.sampler.pairs(step)

    def __len__(self) -> int:
        """Return the number of steps."""
        return self.steps

    def pairs(self, step: int) -> Pairs:
        """Return the pairs of a step, the same every time."""
        if not self.workers:
            return self.sampler.pairs(step)
        if self._coming is None or step != self._next:
            loader: DataLoader[Pairs] = DataLoader(
                self,
                batch_size=None,
                sampler=range(step, self.steps),
                num_workers=self.workers,
                prefetch_factor=AHEAD,
            )
            self._coming = iter(loader)
        self._next = step + 1
        return next(self._coming)
