"""The shapes of networks; saved inside their weight files."""

from __future__ import annotations

from dataclasses import dataclass

from lgbpn_cli.config.require import require


@dataclass(frozen=True)
class NetworkConfig:
    """The shape of one LG-BPN teacher network (paper, section 3); saved inside its weight file."""

    width: int = 128
    """Channels C of both branches (published: 128)."""
    head_width: int = 24
    """Channels behind the 1x1 head, the input of both patch-masked convolutions (published: 24)."""
    local_modules: int = 9
    """Residual modules of the local branch (published: 9)."""
    global_blocks: int = 6
    """Dilated transformer blocks (DTB) of the global branch (published: 6)."""
    attention_heads: int = 2
    """Heads of the channel attention in each DTB."""
    feed_forward_expansion: float = 2.66
    """Hidden channels of a DTB's feed-forward part, as a multiple of the width (rounded down)."""
    hole_radius_px: int = 4
    """Radius r of the hidden diamond |dy| + |dx| <= r."""
    local_kernel_px: int = 9
    """Side of the local branch's patch-masked kernel (DSPMC-9)."""
    global_kernel_px: int = 21
    """Side of the global branch's patch-masked kernel (DSPMC-21), whose taps lie on even offsets."""
    training_local_pd: int = 4
    """Pixel-shuffle down-sampling (PD) factor of the local branch in training."""
    training_global_pd: int = 5
    """PD factor of the global branch in training."""
    value_range: float = 255.0
    """The network's value for white: pixel values 0..1 are multiplied by it on the way in, divided on the way out."""

    def __post_init__(self) -> None:
        """Refuse shapes that cannot be built, and kernels that let the network see into its own hole."""
        require(self.attention_heads >= 1, "network", "it has no attention heads", "Use one or more.")
        require(
            self.width % self.attention_heads == 0,
            "network",
            "width is not a multiple of attention_heads",
            "Change one of them.",
        )
        require(
            self.width >= 2 and self.head_width >= 1, "network", "widths must be positive", "Use 2 or more."
        )
        for name in ("local_kernel_px", "global_kernel_px"):
            require(getattr(self, name) % 2 == 1, "network", f"{name} is even", "Use an odd kernel size.")
        require(
            self.global_kernel_px % 4 == 1,
            "network",
            "global_kernel_px has no tap on its centre",
            "Use 13, 17, 21 or another of that row.",
        )
        local_span = self.training_local_pd * LOCAL_DILATION
        global_span = self.training_global_pd * GLOBAL_DILATION
        local_reach = self.local_kernel_px // 2 + self.hole_radius_px
        # A kernel no larger than the hole keeps taps off the axes only, and those may touch the hole's edge.
        one_more = self.local_kernel_px // 2 > self.hole_radius_px
        require(
            local_span >= local_reach + one_more,
            "network",
            f"the local branch steps {local_span} px and sees back into the hole",
            "Raise training_local_pd or make the kernel smaller.",
        )
        require(
            global_span > self.global_kernel_px // 2 + self.hole_radius_px,
            "network",
            f"the global branch steps {global_span} px and sees back into the hole",
            "Raise training_global_pd or make the kernel smaller.",
        )

    @property
    def hidden_width(self) -> int:
        """Channels of a DTB's feed-forward half."""
        return int(self.feed_forward_expansion * self.width)


LOCAL_DILATION = 2
"""Dilation of the 3x3 convolutions of the local branch."""
GLOBAL_DILATION = 3
"""Dilation of all 3x3 convolutions of the global branch."""

PUBLISHED = NetworkConfig()
"""The configuration of the paper's released models."""
NETWORKS: dict[str, NetworkConfig] = {
    "published": PUBLISHED,
    "small": NetworkConfig(
        width=32, head_width=16, local_modules=5, global_blocks=3, feed_forward_expansion=2.5
    ),
}
"""Network configurations that go by a name."""


@dataclass(frozen=True)
class UNetConfig:
    """The shape of a U-Net at half resolution; saved inside its weight file."""

    widths: tuple[int, ...] = (32, 64, 128, 128)
    """Channels of each level, the first at half the photo's resolution, each further at half of the one before."""
    blocks: int | tuple[int, ...] = 1
    """Residual blocks of two 3x3 convolutions, on each level of the way down and again on the way up; or one number for
    each level."""

    def __post_init__(self) -> None:
        """Refuse shapes that cannot be built."""
        object.__setattr__(self, "widths", tuple(self.widths))  # a list, where it comes from a file
        require(
            len(self.widths) >= 2 and all(isinstance(width, int) and width >= 1 for width in self.widths),
            "network",
            f"widths {self.widths} are not two or more positive numbers",
            "Use for example [32, 64, 128, 128].",
        )
        if not isinstance(self.blocks, int):
            object.__setattr__(self, "blocks", tuple(self.blocks))
        require(
            len(self.blocks_by_level) == len(self.widths)
            and all(isinstance(blocks, int) and blocks >= 1 for blocks in self.blocks_by_level),
            "network",
            f"blocks {self.blocks} are not one or more on each of {len(self.widths)} levels",
            "Use for example 2, or a number for each level.",
        )

    @property
    def blocks_by_level(self) -> tuple[int, ...]:
        """Return the number of blocks of each level, the finest first."""
        return (self.blocks,) * len(self.widths) if isinstance(self.blocks, int) else self.blocks

    @property
    def size_multiple(self) -> int:
        """Tiles whose corners lie on multiples of this many pixels are sampled as the whole photo is."""
        return 1 << len(self.widths)

    @property
    def reach_px(self) -> int:
        """No pixel farther away than this changes a result pixel; a multiple of `size_multiple`."""
        spacings = [2 << level for level in range(len(self.widths))]
        # Two pixels a block, on the way down and again on the way up, but for the coarsest level, which is met once.
        blocks = zip(spacings, self.blocks_by_level, strict=True)
        both_ways = sum(4 * count * spacing for spacing, count in blocks)
        reach = both_ways - 2 * self.blocks_by_level[-1] * spacings[-1] + 2 * spacings[0] + self.size_multiple
        return reach + -reach % self.size_multiple

    def __str__(self) -> str:
        """Return it in words, for a model's card."""
        widths, blocks = (", ".join(map(str, counts)) for counts in (self.widths, self.blocks_by_level))
        return f"U-Net at half resolution, widths {widths}, blocks {blocks}"


@dataclass(frozen=True)
class StudentConfig(UNetConfig):
    """The shape of one student network."""


@dataclass(frozen=True)
class RawConfig(UNetConfig):
    """The shape of one network for the mosaics of camera raw files."""
