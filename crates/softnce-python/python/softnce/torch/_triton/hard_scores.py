"""What the forward and the backward kernel over classes compute alike, so that both find the same bits."""

from __future__ import annotations

import triton
import triton.language as tl

__all__ = ["class_scores"]


@triton.jit
def class_scores(z, stride, noise, c, inside, top, inverse, NOISE: tl.constexpr, WIDE: tl.constexpr):
    """The scores of classes ``c`` for the row at ``z``, relative to its largest logit ``top``."""
    s = (tl.load(z + c.to(tl.int64) * stride, mask=inside, other=0.0).to(WIDE) - top) * inverse
    if NOISE:
        s = s - tl.load(noise + c, mask=inside, other=0.0)
    return s
