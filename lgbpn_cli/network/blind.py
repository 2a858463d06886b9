"""The self-supervised loss: the network predicts each noisy pixel from pixels outside its hole.

Reflect padding mirrors a pixel next to itself, so near a crop's border the network does see what it should
predict: row 5 of a crop sees itself with a relative weight of about 0.6. A rim is therefore left out of the loss.
"""

from __future__ import annotations

from torch import Tensor


def blind_loss(estimate: Tensor, noisy: Tensor, rim_px: int) -> Tensor:
    """Return the mean absolute difference (L1; paper, section 3.4) inside the rim, in units of 0..1.

    Both are (b, 3, h, w); the clean picture is never needed, because the noise of a hidden pixel cannot be
    predicted from where the network looks.
    """
    inner = slice(rim_px, -rim_px if rim_px else None)
    return (estimate[..., inner, inner] - noisy[..., inner, inner]).abs().mean()
