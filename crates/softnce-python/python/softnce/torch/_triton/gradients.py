"""What the backward kernels do alike: the factor of a row and the gradient of the temperature."""

from __future__ import annotations

import triton
import triton.language as tl

__all__ = ["common_factor", "factor_of", "finish_temperature"]


@triton.jit
def common_factor(root):
    """The factor of the losses of all rows, of which the forward pass saved the square root."""
    value = tl.load(root).to(tl.float64)
    return value * value


@triton.jit
def factor_of(
    common, row_weights, stride, upstream, upstream_stride, row, ROW_WEIGHTS: tl.constexpr, WIDE: tl.constexpr
):
    """The factor of the row's gradient: the ``common`` factor of all rows, its weight, and the upstream gradient.

    The product is taken in double precision, because weights may exceed the range of the sums.
    """
    factor = common
    if ROW_WEIGHTS:
        factor = factor * tl.load(row_weights + row * stride).to(tl.float64)
    return (factor * tl.load(upstream + row * upstream_stride).to(tl.float64)).to(WIDE)


@triton.jit
def finish_temperature(parts, out, counter, programs, N):
    """Adds the parts ``[N]`` of the temperature's gradient in the program that finishes last, always in one order."""
    tl.debug_barrier()
    done = tl.atomic_add(counter, 1, sem="acq_rel")
    if done == programs - 1:
        # The next backward pass over the same saved numbers counts from 0 again.
        tl.store(counter, 0)
        total = tl.zeros((1024,), tl.float64)
        for start in range(0, N, 1024):
            i = start + tl.arange(0, 1024)
            total += tl.load(parts + i, mask=i < N, other=0.0, cache_modifier=".cg").to(tl.float64)
        tl.store(out, tl.sum(total, 0).to(out.dtype.element_ty))
