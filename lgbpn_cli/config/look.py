"""How a result is to look beside what its noise asks for: shares of brightness and colour, and grain."""

from __future__ import annotations

from dataclasses import dataclass

from lgbpn_cli.errors import UsageError

AUTO = "auto"
"""Instead of a share: as much as the photo's measured noise asks for, place by place."""
MOST_GRAIN_LEVELS = 64.0
LARGEST_GRAIN_PX = 16.0


@dataclass(frozen=True)
class Grain:
    """Grain that is laid on a result."""

    amount_levels: float
    """Standard deviation in the middle tones, in levels of 255."""
    size_px: float = 1.0
    """Diameter of a grain: twice the standard deviation of the Gaussian that white noise is blurred with; 0: none."""
    colour: bool = False
    """Each channel has grain of its own, instead of one for all three."""

    def __post_init__(self) -> None:
        """Refuse values that are not an amount of grain."""
        if not 0 < self.amount_levels <= MOST_GRAIN_LEVELS:
            cause = f"an amount of {self.amount_levels:g} is not between 0 and {MOST_GRAIN_LEVELS:g}"
            raise UsageError("`grain`", cause, "Use 4, for instance, or omit it.")
        if not 0 <= self.size_px <= LARGEST_GRAIN_PX:
            cause = f"a size of {self.size_px:g} px is not between 0 and {LARGEST_GRAIN_PX:g}"
            raise UsageError("`grain`", cause, "Use 1.5, for instance.")


@dataclass(frozen=True)
class Look:
    """What a result takes from a photo and from the network's answer, and what is laid on it."""

    luma: float | None = None
    """Share of the noise in brightness that goes, 0..1; None: as much as the measured noise asks for."""
    chroma: float | None = None
    """The same of the noise in colour."""
    grain: Grain | None = None

    def __post_init__(self) -> None:
        """Refuse shares that are none."""
        for name in ("luma", "chroma"):
            share = getattr(self, name)
            if share is not None and not 0 <= share <= 1:
                raise UsageError(
                    f"`{name}`",
                    f"{share} is not between 0 and 1",
                    "Use auto, or 0 (original) to 1 (no noise).",
                )

    @property
    def is_full(self) -> bool:
        """Whether all that can be removed is removed, and nothing added: `lgbpn blend` can make any other of it."""
        return self.luma in (None, 1) and self.chroma in (None, 1) and self.grain is None

    @property
    def at_full(self) -> Look:
        """The look of the result that this one can be mixed of: full shares, but for those left to the measurement."""
        return Look(None if self.luma is None else 1.0, None if self.chroma is None else 1.0)

    @property
    def is_nothing(self) -> bool:
        """Whether no noise is removed."""
        return self.luma == 0 and self.chroma == 0

    @property
    def is_auto(self) -> bool:
        """Whether the measured noise decides about any of it."""
        return self.luma is None or self.chroma is None

    def facts(self) -> dict[str, object]:
        """Return what a result's record says of it: nothing of what is left to the measurement."""
        found: dict[str, object] = {}
        if self.luma == self.chroma:
            found["strength"] = AUTO if self.luma is None else self.luma
        else:
            found["luma"] = AUTO if self.luma is None else self.luma
            found["chroma"] = AUTO if self.chroma is None else self.chroma
        if self.grain is not None:
            grain = self.grain
            found["grain"] = [grain.amount_levels, grain.size_px, *(["colour"] if grain.colour else [])]
        return found

    @classmethod
    def from_facts(cls, found: dict[str, object]) -> Look:
        """Return the look that `facts` made this of. Raises ValueError, TypeError or UsageError for any other."""

        def share(name: str) -> float | None:
            value = found.get(name, found.get("strength", AUTO))
            return None if value == AUTO else float(value)  # type: ignore[arg-type]  # TypeError is announced

        grain = found.get("grain")
        if grain is None:
            return cls(share("luma"), share("chroma"))
        if not isinstance(grain, list) or not 2 <= len(grain) <= 3:
            raise ValueError("this is not an amount of grain")
        return cls(share("luma"), share("chroma"), Grain(float(grain[0]), float(grain[1]), len(grain) == 3))
