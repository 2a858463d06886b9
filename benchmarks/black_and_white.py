"""How well students remove noise from black and white photos: those of the sets, made grey with their noise.

    python benchmarks/black_and_white.py [--model NAME|FILE ...] [--every 8]

Noise that has lost its colours looks more like texture. Photos trained on and their references, and low-noise photos
that are not, with the noise of simulated cameras. One pass at full strength; mean PSNR in decibels.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from detail import SHOTS, Photos, grey, real, rounded, simulated
from fine_noise import compare_students
from student_parts import SETS

LOW_NOISE_PHOTOS = 12


def rows(every: int) -> Iterator[tuple[str, Photos]]:
    """Yield the name of each row and its pairs."""
    sets = [(name, islice(real(name), 0, None, every)) for name in SETS]
    sets += [(f"simulated, {shot:g}", islice(simulated(shot), LOW_NOISE_PHOTOS)) for shot in SHOTS[1:]]
    for name, pairs in sets:
        yield name, ((rounded(grey(noisy)), grey(clean)) for noisy, clean in pairs)


if __name__ == "__main__":
    compare_students((__doc__ or "").splitlines()[0], rows)
