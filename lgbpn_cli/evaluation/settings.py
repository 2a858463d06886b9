"""What an evaluation compares and how it measures: the settings behind `lgbpn eval`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lgbpn_cli.errors import UsageError

SSIM_CONVENTIONS = ("skimage7", "wang11", "matlab3d")
"""What --ssim takes."""
BASELINES = ("nlm", "bm3d")
"""What --baseline takes."""

SUBMISSIONS = ("sidd", "dnd")
"""What --submission takes."""


@dataclass(frozen=True)
class EvaluationConfig:
    """One evaluation: pictures, contestants, protocol."""

    noisy: Path
    """A noisy photo, a folder of them, or a .mat file of blocks."""
    reference: Path | None
    """The same for the references; None measures without them."""
    burst: bool = False
    """The noisy pictures are raw files of one still scene: each is judged against the mean of the others."""
    denoised: tuple[Path, ...] = ()
    """Finished results of any tool, each as `noisy`."""
    models: tuple[str | None, ...] = (None,)
    """Names or files of models; None is the shipped one."""
    baselines: tuple[str, ...] = ()
    """Simple methods to compare with, of BASELINES."""
    pair_pattern: str | None = None
    """NOISY=REFERENCE, file stems with {} for what both have in common; None pairs equal stems."""
    only: tuple[str, ...] = ()
    """Patterns (fnmatch) of the names to take; none takes all."""
    exclude: tuple[str, ...] = ()
    """Patterns (fnmatch) of the names to pass over."""
    ssim: tuple[str, ...] = ("skimage7",)
    """SSIM conventions, of SSIM_CONVENTIONS."""
    lpips: bool = False
    """Measure LPIPS too, which takes the user's own copy of its weights."""
    rounded: bool = True
    """Round to 8 bit before measuring, as the SIDD protocol does."""
    bootstrap_seed: int = 0
    """Seed of the resampling behind the 95 % intervals."""
    csv: Path | None = None
    """Where the figures of each photo go."""
    html: Path | None = None
    """Where the report page goes."""
    report_bytes: int = 20_000_000
    """Size that the pictures inside the page may have together."""

    def __post_init__(self) -> None:
        """Refuse names that mean nothing."""
        _check_names("`ssim`", self.ssim, SSIM_CONVENTIONS)
        _check_names("`baselines`", self.baselines, BASELINES)
        if self.burst and self.reference is not None:
            raise UsageError("`burst`", "it needs no references", "Omit it, or the references.")
        if self.lpips and not self.has_reference:
            raise UsageError("`lpips`", "it compares with references", "Give references, or omit it.")
        if self.pair_pattern is not None:
            noisy, _, reference = self.pair_pattern.partition("=")
            if not 0 < noisy.count("{}") == reference.count("{}"):
                cause = f"'{self.pair_pattern}' does not have {{}} on both sides of =, equally often"
                raise UsageError("`pair_pattern`", cause, "Write it like '{}_noisy={}_clean'.")
        if self.report_bytes < 100_000:
            raise UsageError("`report_bytes`", "it is below 0.1 MB", "Give megabytes, for example 20.")

    @property
    def has_reference(self) -> bool:
        """Whether results are compared with something."""
        return self.burst or self.reference is not None


def _check_names(option: str, names: tuple[str, ...], known: tuple[str, ...]) -> None:
    for name in names:
        if name not in known:
            raise UsageError(option, f"'{name}' is unknown", f"Choose from {', '.join(known)}.")
