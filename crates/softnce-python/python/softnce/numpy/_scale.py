"""The upstream gradient of a loss, and the scaling of gradients by it."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from softnce._settings import number
from softnce.numpy._call import Call
from softnce.numpy._checks import as_vector

__all__ = ["scaled", "upstream_factor"]


def upstream_factor(call: Call, upstream: Any, rows: int) -> Optional[NDArray[np.float64]]:
    """The upstream gradient, ``[]``, or ``[N]`` with reduction none; None if it is 1."""
    if call.reduction == "none":
        expected = f"[{rows}] floats, one for each row"
        return None if upstream is None else as_vector("upstream", upstream, expected, rows).astype(np.float64)
    factor = 1.0 if upstream is None else number("upstream", upstream)
    return None if factor == 1.0 else np.asarray(factor)


def scaled(gradient: NDArray[Any], factor: Optional[NDArray[Any]], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Scales a gradient in place, in the type of the sums, and then rounds it to ``dtype``."""
    if factor is not None:
        gradient *= factor
    return gradient.astype(dtype, copy=False)
