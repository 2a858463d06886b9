"""What an evaluation found, per photo and in the mean."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean


@dataclass(frozen=True)
class PhotoScore:
    """One pair's figures."""

    name: str
    noisy_psnr: float
    """PSNR of the noisy photo in dB, 8-bit protocol."""
    denoised_psnr: float
    """PSNR of the denoised photo in dB, 8-bit protocol."""
    mean_shift_8bit: float
    """Mean of denoised - reference in 8-bit levels."""
    seconds: float
    """Time of the network alone."""


@dataclass(frozen=True)
class EvaluationReport:
    """All pairs of one model and setting."""

    model: str
    sha256: str
    quality: str
    preset: str
    scores: tuple[PhotoScore, ...]

    def means(self) -> dict[str, float | int]:
        """Return the number of photos and the means over them, with four decimals."""
        return {
            "photos": len(self.scores),
            "noisy": round(fmean(score.noisy_psnr for score in self.scores), 4),
            "denoised": round(fmean(score.denoised_psnr for score in self.scores), 4),
            "mean_shift_8bit": round(fmean(score.mean_shift_8bit for score in self.scores), 4),
            "seconds": round(fmean(score.seconds for score in self.scores), 4),
        }

    def worst(self) -> PhotoScore:
        """Return the pair that gained least."""
        return min(self.scores, key=lambda score: score.denoised_psnr - score.noisy_psnr)
