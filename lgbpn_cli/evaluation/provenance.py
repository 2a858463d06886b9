"""What somebody needs to get the same figures: command, versions, protocol, machine."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from lgbpn_cli.evaluation.settings import EvaluationConfig
from lgbpn_cli.evaluation.summary import RESAMPLES
from lgbpn_cli.version import __version__

LIBRARIES = (
    "torch",
    "numpy",
    "pillow",
    "tifffile",
    "imagecodecs",
    "scikit-image",
    "bm3d",
    "lpips",
    "torchvision",
)
SSIM_MEANINGS = {
    "skimage7": "7x7 uniform window, sample covariance (scikit-image's default)",
    "wang11": "11x11 Gaussian window, sigma 1.5 (Wang 2004)",
    "matlab3d": "11x11x11 Gaussian window over rows, columns and colours, edges repeated (MATLAB)",
}


def run_facts(protocol: dict[str, str], command: str) -> dict[str, object]:
    """Return the command, the versions, the protocol and the machine, ready for JSON."""
    return {
        "command": command,
        "versions": {"lgbpn": __version__, "python": platform.python_version(), **_library_versions()},
        "machine": f"{platform.system()} {platform.machine()}",
        "protocol": protocol,
    }


def protocol(config: EvaluationConfig, *, has_raw: bool = False) -> dict[str, str]:
    """Return how each figure is measured, in words; `has_raw`: camera raw files were among the photos."""
    values = "rounded to 8 bit" if config.rounded else "clipped to the range of the file, not rounded"
    if has_raw:
        values += (
            "; camera raw files: linear light of the camera's balanced RGB, demosaiced alike, not rounded"
        )
        if config.has_reference:
            values += ", the darker of photo and reference made as bright as the other"
    described = {
        "values": f"encoded RGB (gamma untouched), {values}; all figures are means over photos",
        "interval": f"95 %, bootstrap over photos, {RESAMPLES} resamples, seed {config.bootstrap_seed}",
    }
    if config.burst:
        described["reference"] = "mean of the other frames of the burst"
    if not config.has_reference:
        described["blind_loss"] = (
            "mean |prediction - noisy|, 8-bit levels; the network does not see the pixel it predicts"
        )
        described["residual_whiteness"] = "1 - rms correlation of what was removed with itself at 1..4 px"
        described["edge_structure"] = (
            "correlation of what was removed with the result's detail, edges less flat areas"
        )
    else:
        described["psnr"] = "dB, over all three channels at once, peak 255"
        described |= {f"ssim_{name}": SSIM_MEANINGS[name] for name in config.ssim}
        if config.lpips:
            described["lpips"] = "version 0.1, AlexNet (Zhang 2018); 0 for equal pictures"
        described["residual_structure"] = (
            "correlation of what was removed with the reference's fine detail (below 9 px)"
        )
    described["flat_noise"] = "standard deviation in the flattest fifth of 16 px blocks, 8-bit levels"
    return described


def _library_versions() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
