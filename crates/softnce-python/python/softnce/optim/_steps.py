"""The steps that a parameter has made, and what many steps without gradient amount to. Steps are counted from 1."""

from __future__ import annotations

import math
from typing import Iterable, List, Optional, Sequence, Tuple

import torch
from torch import Tensor

from softnce.torch.targets import widest

__all__ = ["Decays", "Map", "Maps"]

#: A linear map of a weight and its momentum: ``[w', b'] = [[m0, m1], [m2, m3]] [w, b]``.
Map = Tuple[float, float, float, float]


class _Rows:
    """Rows of numbers on a device, to which rows are added."""

    def __init__(self, width: int, device: torch.device) -> None:
        self.count = 0
        self.values = torch.zeros(16, width, dtype=widest(device), device=device)

    def extend(self, rows: Sequence[Sequence[float]]) -> None:
        end = self.count + len(rows)
        if end > len(self.values):
            grown = self.values.new_zeros(2 * end, self.values.shape[1])
            grown[: self.count] = self.values[: self.count]
            self.values = grown
        self.values[self.count : end] = torch.tensor(rows, dtype=self.values.dtype)
        self.count = end


class Decays:
    """Rates, and products of ``1 - rate * decay``, for decoupled weight decay."""

    def __init__(self, device: torch.device) -> None:
        self._sum = 0.0
        self._rows = _Rows(2, device)
        self._rows.extend([(0.0, 0.0)])
        self.dtype = self._rows.values.dtype

    def extend(self, steps: Iterable[Tuple[float, float]]) -> None:
        """Adds steps, each with its rate and its decay."""
        rows = []
        for rate, decay in steps:
            self._sum += math.log1p(-rate * decay)
            rows.append((rate, self._sum))
        self._rows.extend(rows)

    def rates(self, steps: Tensor) -> Tensor:
        """The rates of steps of any shape."""
        return self._rows.values[:, 0][steps]

    def kept(self, last: Tensor, until: int) -> Tensor:
        """The share of a weight that the steps after ``last`` up to ``until`` keep."""
        sums = self._rows.values[:, 1]
        return torch.exp(sums[until] - sums[last])


class Maps:
    """The linear maps of steps without gradient.

    Level l has the maps of ``2^l`` steps, one after another, so that a range of k steps is made of O(log k) of them.
    Products of all steps up to one, as for the decays, would not do: the momentum vanishes in them, and they cannot be
    divided.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._levels: List[_Rows] = []
        #: The last map of each level if it has no partner yet.
        self._single: List[Optional[Map]] = []

    def extend(self, maps: Iterable[Map]) -> None:
        """Adds steps."""
        new: List[List[Map]] = [[] for _ in self._levels]
        for given in maps:
            carried, level = given, 0
            while True:
                if level == len(self._single):
                    self._single.append(None)
                    new.append([])
                new[level].append(carried)
                partner = self._single[level]
                if partner is None:
                    self._single[level] = carried
                    break
                self._single[level] = None
                carried, level = _after(carried, partner), level + 1
        while len(self._levels) < len(new):
            self._levels.append(_Rows(4, self._device))
        for rows, added in zip(self._levels, new):
            if added:
                rows.extend(added)

    def product(self, last: Tensor, until: int) -> Tensor:
        """The maps of the steps after ``last`` ``[R]`` up to ``until``, ``[R, 4]``."""
        at = last.long()
        one = torch.tensor([1.0, 0.0, 0.0, 1.0], dtype=widest(at.device), device=at.device)
        found = one.expand(len(at), 4)
        # Up while the aligned ranges that begin here fit, then down.
        rising = [(level, True) for level in range(len(self._levels))]
        falling = [(level, False) for level in reversed(range(len(self._levels)))]
        for level, aligns in rising + falling:
            size = 1 << level
            fits = at + size <= until
            if aligns:
                fits = fits & ((at >> level) & 1).bool()
            maps = self._levels[level].values
            step = maps[torch.where(fits, at >> level, 0)]
            found = torch.where(fits[:, None], _compose(step, found), found)
            at = torch.where(fits, at + size, at)
        return found


def _after(second: Map, first: Map) -> Map:
    """First ``first``, then ``second``."""
    (a, b, c, d), (e, f, g, h) = second, first
    return (a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h)


def _compose(second: Tensor, first: Tensor) -> Tensor:
    """The same for maps ``[R, 4]``."""
    return (second.view(-1, 2, 2) @ first.reshape(-1, 2, 2)).view(-1, 4)
