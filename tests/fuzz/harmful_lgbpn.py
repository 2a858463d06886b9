"""`lgbpn` as it is, but for photos that do harm, by their names: for `worker_kills`.

`kills-worker` ends the process that denoises it, `kills-reader` the one that decodes it, and `never-ends` takes for
ever to decode.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.denoise.denoiser import Denoised, Denoiser
from lgbpn_cli.inference.watch import UNWATCHED, Watch
from lgbpn_cli.photos import prepare
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.shot import Shot

FAKE_NETWORK = "HARMFUL_FAKE_NETWORK"
"""Environment variable: a network that costs nothing, instead of the one that ships."""
KILLS_WORKER, KILLS_READER, NEVER_ENDS = "kills-worker", "kills-reader", "never-ends"
HARMFUL = (KILLS_WORKER, KILLS_READER, NEVER_ENDS)
_read, _denoise = prepare.read_as_result, Denoiser.denoise


def read(
    path: Path, output: OutputConfig, max_bytes: int | None, as_mosaic: bool = False
) -> tuple[Photo, Shot]:
    """Read a photo, in the reading process."""
    if path.stem == KILLS_READER:
        os.kill(os.getpid(), signal.SIGSEGV)
    if path.stem == NEVER_ENDS:
        time.sleep(100_000)
    return _read(path, output, max_bytes, as_mosaic)


def denoise(self: Denoiser, photo: Photo, watch: Watch = UNWATCHED) -> Denoised:
    """Denoise a photo, in a worker."""
    if photo.path.stem == KILLS_WORKER:
        os.kill(os.getpid(), signal.SIGSEGV)
    return _denoise(self, photo, watch)


def install() -> None:
    """From now on, in this process and in those that it reads with, such photos do harm."""
    if FAKE_NETWORK in os.environ:
        sys.path.append(str(Path(__file__).parents[1] / "cli"))
        import fake_network

        fake_network.install(sys.modules.__setitem__)
    prepare.read_as_result = read
    Denoiser.denoise = denoise  # type: ignore[method-assign]


if __name__ in (
    "__main__",
    "__mp_main__",
):  # the second in workers; by its own name the functions can be sent
    import harmful_lgbpn

    harmful_lgbpn.install()
if __name__ == "__main__":
    from lgbpn_cli.__main__ import main

    main()
