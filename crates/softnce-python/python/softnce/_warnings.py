"""Warnings that point to the line of the user's code."""

from __future__ import annotations

import sys
import warnings
from types import FrameType
from typing import Iterable, Optional

__all__ = ["warn"]

_INSIDE = ("softnce", "torch", "jax")


def warn(messages: Iterable[str]) -> None:
    """Issues each warning at the innermost frame outside this package, PyTorch and JAX."""
    for message in messages:
        level = 1
        frame: Optional[FrameType] = sys._getframe(1)
        while frame is not None and frame.f_globals.get("__name__", "").split(".")[0] in _INSIDE:
            frame, level = frame.f_back, level + 1
        warnings.warn(message, UserWarning, stacklevel=level + 1)
