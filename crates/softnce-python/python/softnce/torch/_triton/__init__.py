"""The losses as Triton kernels, for CUDA and ROCm devices.

A *family* is a module of this folder that computes the losses of one form of targets. It has three functions, described
in ``_family.py``: ``sizes``, ``forward`` and ``backward``. ``NAMES`` says which modules exist, ``choose`` which of them
computes a call. Triton is imported with the first family, because not every system has it.
"""

from __future__ import annotations

import importlib
from functools import lru_cache
from typing import Optional

from softnce.torch._call import CONTRASTIVE, HARD, Call
from softnce.torch._triton._family import Family

__all__ = ["NAMES", "choose", "load"]

#: The families, each a module of this folder.
NAMES = ("compact", "cross_entropy", "dense", "hard", "recognised")


def choose(call: Call) -> Optional[str]:
    """The name of the family for a call; None if there is none."""
    name = _form(call)
    return name if name in NAMES else None


def _form(call: Call) -> str:
    dense = [segment.is_dense() for segment in call.segments]
    if call.kind not in CONTRASTIVE:
        single = len(dense) == 1 and call.positives is None
        return "cross_entropy" if single and call.kind == "soft-target-cross-entropy" else ""
    if not any(dense):
        labels = all([segment.second is None and segment.counts is None for segment in call.segments])
        return "hard" if labels else "compact"
    if len(dense) == 1 and (call.recognise or call.kind in HARD):
        return "recognised"
    return "dense" if all(dense) and call.kind not in HARD else ""


@lru_cache(None)
def load(name: str) -> Family:
    """The module of a family."""
    return importlib.import_module(f"{__name__}.{name}")  # type: ignore[return-value]
