"""A photo through the student in bands, from top to bottom: on the CPU, where the halos of tiles are computed twice."""

from __future__ import annotations

from lgbpn_cli.image.bands import bands
from lgbpn_cli.inference.picture import Extended
from lgbpn_cli.inference.plan import Plan
from lgbpn_cli.inference.sweep import Write
from lgbpn_cli.inference.tiling import Tile
from lgbpn_cli.inference.watch import Watch
from lgbpn_cli.machine.device import DTYPES
from lgbpn_cli.models.contract import network_as
from lgbpn_cli.models.load import Model
from lgbpn_cli.network.student import Student, StudentInBands


def through_in_bands(noisy: Extended, model: Model, plan: Plan, write: Write, watch: Watch) -> bool:
    """Hand the estimate of all rows to `write`, some at a time; False where memory ran out, and tiles may need less."""
    if plan.band_px is None:
        return False
    try:
        network = StudentInBands(network_as(model.network, Student, model.name), DTYPES[plan.precision])
        _through(noisy, model, network, _bands(noisy.height, plan), write, watch)
    except Exception as error:
        if not model.device.is_out_of_memory(error):
            raise
        return False
    return True


def _bands(height: int, plan: Plan) -> list[slice]:
    """Return the rows of each band. The last is as low as can be: what the network still owes comes with its rows."""
    above = height - plan.multiple_px
    return [*bands(above, plan.band_px or above), slice(above, height)]


def _through(
    noisy: Extended, model: Model, network: StudentInBands, slices: list[slice], write: Write, watch: Watch
) -> None:
    top, columns = 0, slice(0, noisy.width)
    for number, rows in enumerate(slices, 1):
        band = model.device.upload(noisy.read((rows, columns)))
        estimate = network.push(band, last=number == len(slices))
        if estimate is not None:
            core = slice(top, top + estimate.shape[-2]), columns
            write(Tile(core, core), model.device.download(estimate)())
            top = core[0].stop
        watch.tile(number, len(slices))
