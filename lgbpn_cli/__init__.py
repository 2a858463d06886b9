"""lgbpn removes the noise of high-ISO photos with LG-BPN, a self-supervised blind-patch network.

    import lgbpn_cli

    model = lgbpn_cli.load_model()
    clean = lgbpn_cli.denoise_image(noisy, model=model)
    result = lgbpn_cli.denoise_file("IMG_1.jpg", "IMG_1_clean.jpg", model=model)

The functions are looked up on first use, so that `lgbpn --help` does not wait for PyTorch.
"""

from typing import TYPE_CHECKING, Any

from lgbpn_cli.errors import (
    DeviceError,
    LgbpnError,
    ModelError,
    PhotoError,
    PhotoReadError,
    PhotoWriteError,
    ResultExistsError,
    TrainingError,
    UnsupportedPhotoError,
    UsageError,
)
from lgbpn_cli.version import __version__

if TYPE_CHECKING:
    from lgbpn_cli.app import DenoiseResult, denoise_file, denoise_image
    from lgbpn_cli.config.look import Grain, Look
    from lgbpn_cli.denoise.denoiser import load_model

__all__ = [
    "DenoiseResult",
    "DeviceError",
    "Grain",
    "LgbpnError",
    "Look",
    "ModelError",
    "PhotoError",
    "PhotoReadError",
    "PhotoWriteError",
    "ResultExistsError",
    "TrainingError",
    "UnsupportedPhotoError",
    "UsageError",
    "__version__",
    "denoise_file",
    "denoise_image",
    "load_model",
]


def __getattr__(name: str) -> Any:
    """The public name `name`, imported now."""
    if name not in __all__:
        raise AttributeError(f"module 'lgbpn_cli' has no attribute '{name}'")
    from lgbpn_cli import app
    from lgbpn_cli.config import look
    from lgbpn_cli.denoise import denoiser

    rooms = {"load_model": denoiser, "Grain": look, "Look": look}
    return getattr(rooms.get(name, app), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
