"""Buffers that keep their precision: a criterion that is moved with its model changes its device but not its type."""

from __future__ import annotations

from typing import Any, Callable

import torch
from torch import Tensor, nn

__all__ = ["WideBuffers"]


class WideBuffers(nn.Module):
    """A module whose float buffers stay in double precision after ``.half()`` and the like (single on MPS)."""

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        kept = dict(self.named_buffers(recurse=False))
        single = fn(torch.empty(0)).device.type == "mps"
        for name, buffer in kept.items():
            if single and buffer.dtype == torch.float64:
                kept[name] = buffer.float()
                setattr(self, name, kept[name])
        super()._apply(fn, recurse)
        for name, buffer in kept.items():
            moved = getattr(self, name)
            if moved.dtype != buffer.dtype:
                setattr(self, name, buffer.to(moved.device))
        return self
