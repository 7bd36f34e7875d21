"""Buffers that keep precision and values when a criterion is moved with its model."""

from __future__ import annotations

from itertools import chain
from typing import Any, Callable, Dict

import torch
from torch import Tensor, nn

__all__ = ["WideBuffers"]


class WideBuffers(nn.Module):
    """A module whose buffers keep what moves of a module otherwise lose.

    - Float buffers stay in double precision after ``.half()`` and the like (single on MPS).
    - Buffers with values keep them in ``to_empty``.
    - When parameters or buffers that were on the meta device get memory, ``reset_parameters`` is called. PyTorch's own
      modules leave that to the user, and hold arbitrary values until then.
    """

    def reset_parameters(self) -> None:
        """Sets parameters and buffers to their initial values."""

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        kept = dict(self.named_buffers(recurse=False))
        before = self._on_meta()
        single = fn(torch.empty(0, device="cpu")).device.type == "mps"
        for name, buffer in kept.items():
            if single and buffer.dtype == torch.float64:
                kept[name] = buffer.float()
                setattr(self, name, kept[name])
        super()._apply(fn, recurse)
        self._restore(kept)
        if before and not self._on_meta():
            self.reset_parameters()
        return self

    def _on_meta(self) -> bool:
        return any(tensor.is_meta for tensor in chain(self.parameters(False), self.buffers(False)))

    def _restore(self, kept: Dict[str, Tensor]) -> None:
        """Gives the moved buffers the types and values that they had."""
        for name, buffer in kept.items():
            moved = getattr(self, name)
            if moved.dtype != buffer.dtype:
                place = moved.device
                setattr(self, name, torch.empty_like(buffer, device=place) if buffer.is_meta else buffer.to(place))
            elif moved is not buffer and not (moved.is_meta or buffer.is_meta):
                moved.copy_(buffer)
