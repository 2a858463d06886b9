"""All tiles of a photo through one estimate, in smaller tiles or on the CPU where memory runs out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from torch import Tensor

from lgbpn_cli.config import InferenceConfig, Precision
from lgbpn_cli.image.types import OnTile
from lgbpn_cli.inference.plan import Plan, plan_inference
from lgbpn_cli.inference.tiling import Tile, plan_tiles, split_tiles
from lgbpn_cli.inference.watch import Watch
from lgbpn_cli.machine.device import choose_device
from lgbpn_cli.models.load import Model

Estimate = Callable[[Tile, Plan], Tensor]
"""Begins the estimate (1, 3, h, w) of a tile's window, on the device."""
Write = Callable[[Tile, np.ndarray], None]
"""Takes the estimate of a tile's core, (h, w, 3) float32."""


class Sweeps:
    """The sweeps over one photo: they share its plan, which shrinks when memory runs out, and the count of tiles."""

    def __init__(
        self,
        model: Model,
        config: InferenceConfig,
        plan: Plan,
        shape: tuple[int, int],
        watch: Watch,
    ) -> None:
        """`shape` is the size of the photo that is cut into tiles."""
        self.model, self.config, self.plan, self.shape = model, config, plan, shape
        self._note = watch.note
        self._calls = _Counter(watch.tile)

    def run(
        self, prepare: Callable[[], Estimate], write: Write, *, calls_a_tile: int = 1, calls_after: int = 0
    ) -> None:
        """Take every tile through an estimate and hand its core to `write`; each core is written once.

        `prepare` makes the estimate, and is called again after memory ran out: the model may have moved. Raises what
        the device raised where nothing smaller is left to try. `calls_after` is how many network calls a tile will
        take in later sweeps.
        """
        plan = self.plan
        tiles = plan_tiles(*self.shape, plan.tile_px, plan.halo_px, plan.multiple_px)
        estimate: Estimate | None = None
        while tiles:
            self._calls.expect(len(tiles) * (calls_a_tile + calls_after))
            try:
                estimate = estimate or prepare()
                self._through(tiles, estimate, write, calls_a_tile)
            except Exception as error:
                if not self.model.device.is_out_of_memory(error):
                    raise
                if not self._retreat():
                    raise
            else:
                return
            # Outside of the handler: the error holds the tensors of the call that failed.
            estimate = None
            self.model.device.release_memory()
            plan = self.plan
            tiles = split_tiles(tiles, *self.shape, plan.tile_px, plan.halo_px, plan.multiple_px)

    def _through(self, tiles: list[Tile], estimate: Estimate, write: Write, calls_a_tile: int) -> None:
        """Take tiles off the list as they are done. While one is computed, the one before it is fetched and written."""
        device = self.model.device
        fetch: Callable[[], np.ndarray] | None = None
        begun: Tile | None = None

        def finish() -> None:
            nonlocal fetch
            if fetch is not None and begun is not None:
                write(begun, fetch())
                fetch = None
                tiles.remove(begun)
                for _ in range(calls_a_tile):
                    self._calls.one_more()

        try:
            for tile in list(tiles):
                with device.autocast(self.plan.precision):
                    result = estimate(tile, self.plan)
                rows, columns = tile.inner
                fetch_next = device.download(result[..., rows, columns])
                del result
                finish()
                fetch, begun = fetch_next, tile
        finally:
            finish()

    def _retreat(self) -> bool:
        """Make the plan smaller, or move to the CPU; False where neither is possible."""
        smaller = self.plan.smaller()
        if smaller is not None:
            self.plan = smaller
            return True
        device = self.model.device
        if device.is_cpu or not device.automatic:
            return False
        self.model.move_to(choose_device("cpu"))
        # What was asked for with the GPU in mind may be slow on the CPU, but float32 is asked for its exactness.
        precision: Precision = "float32" if self.config.precision == "float32" else "auto"
        self.plan = plan_inference(*self.shape, self.model, replace(self.config, precision=precision))
        self._note(f"{device.description} has too little free memory: going on with the CPU")
        return True


class _Counter:
    """Counts network calls and passes the count on."""

    def __init__(self, on_call: OnTile) -> None:
        self._on_call, self._done, self._total = on_call, 0, 0

    def expect(self, more: int) -> None:
        self._total = self._done + more

    def one_more(self) -> None:
        self._done += 1
        self._on_call(self._done, self._total)
