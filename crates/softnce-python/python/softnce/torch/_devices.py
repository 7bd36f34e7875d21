"""Which devices the Triton kernels run on. Nothing here imports Triton."""

from __future__ import annotations

import importlib.util
import os

import torch

__all__ = ["INTERPRETED", "missing"]

#: Whether Triton runs the kernels on the CPU, as the tests do (slow).
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
_INSTALLED = importlib.util.find_spec("triton") is not None


def missing(device: torch.device) -> str:
    """What the Triton kernels lack on a device; empty if they can be used."""
    if device.type != "cuda" and not (device.type == "cpu" and INTERPRETED):
        return f"the Triton kernels run on CUDA and ROCm devices, the logits are on {device}"
    return "" if _INSTALLED else "the package triton is not installed"
