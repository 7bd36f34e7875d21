"""MixUp and CutMix with one lambda per row, for training with soft target InfoNCE.

:class:`Mixup` takes the options of ``timm.data.Mixup`` and makes the same images from the same random numbers. Two
things differ:

- The default mode is ``"elem"``: every row draws its own lambda. timm's default, ``"batch"``, draws one lambda for the
  whole batch. If that batch is the only source of candidates, every row's target is then an extreme point of the
  candidates, unless rows meet their own class. Soft target InfoNCE then has no finite optimum and falls to 0 as the
  logits grow.
- It returns :class:`softnce.torch.MixedTargets`: a few numbers per row instead of one for each class.
"""

from __future__ import annotations

import math
from typing import Any, Optional, Sequence, Tuple, Union

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from softnce._settings import choice, integer, number, share
from softnce.torch._memory import FLOATS, integers
from softnce.torch.targets import MixedTargets

__all__ = ["Mixup"]

_MODES = ("batch", "pair", "elem")

# Pixels mixed at once on the CPU, few enough that the copies of the partners stay in the cache.
_BLOCK = 1 << 19

_Draws = Tuple[NDArray[Any], NDArray[np.bool_]]
_Box = Tuple[int, int, int, int]


class Mixup:
    """Mixes row i of a batch of N images with row N-1-i, its partner.

    The options have the names, order and meaning of those of ``timm.data.Mixup``. Training loops may set the attribute
    ``mixup_enabled`` to False for their last epochs: images are then not mixed, but labels are still smoothed.

    The batch may have an odd number of rows. Its middle row is its own partner; mode ``"pair"`` leaves it unmixed.

    Random numbers come from numpy's global generator, in timm's order, so ``numpy.random.seed`` gives timm's lambdas
    and boxes. Seed it differently in each process of a distributed run.

    Args:
        mixup_alpha: both parameters of the beta distribution of MixUp's lambda; 0 turns MixUp off.
        cutmix_alpha: the same for CutMix; 0 turns CutMix off.
        cutmix_minmax: the smallest and largest size of a CutMix box, as shares of the image's height and width. It
            replaces ``cutmix_alpha``, which becomes 1.
        prob: the probability that a row, a pair or a batch is mixed.
        switch_prob: the probability of CutMix if MixUp and CutMix are both on.
        mode: one lambda for each row (``"elem"``), for each row and its partner (``"pair"``) or for all rows
            (``"batch"``).
        correct_lam: if the border cuts off a CutMix box, compute lambda from the area actually pasted.
        label_smoothing: the share of every target that is spread evenly over all classes, from 0 to 1.
        num_classes: the number of classes.
        multi_label: must be False; it is here to keep timm's order of options.
        dense: returns the targets as a dense float32 tensor ``[N, num_classes]``, as timm does.
        rng: a generator to use instead of numpy's global one. Each worker of a data loader gets a copy of it, and all
            copies draw the same numbers; the global one is seeded separately for each worker.

    Raises:
        ValueError: an alpha is negative or not finite, MixUp and CutMix are both off, a probability or share lies
            outside 0 to 1, ``cutmix_minmax`` is not two increasing shares, the mode is unknown, ``num_classes`` is
            below 1 or ``multi_label`` is set.
        TypeError: an option should be a number and is not, or ``rng`` is not a ``numpy.random.RandomState``.
    """

    def __init__(
        self,
        mixup_alpha: float = 1.0,
        cutmix_alpha: float = 0.0,
        cutmix_minmax: Optional[Sequence[float]] = None,
        prob: float = 1.0,
        switch_prob: float = 0.5,
        mode: str = "elem",
        correct_lam: bool = True,
        label_smoothing: float = 0.1,
        num_classes: int = 1000,
        multi_label: bool = False,
        *,
        dense: bool = False,
        rng: Optional[np.random.RandomState] = None,
    ) -> None:
        self.mixup_alpha = _alpha("mixup_alpha", mixup_alpha)
        self.cutmix_alpha = _alpha("cutmix_alpha", cutmix_alpha)
        self.cutmix_minmax = None if cutmix_minmax is None else _minmax(cutmix_minmax)
        if self.cutmix_minmax is not None:
            self.cutmix_alpha = 1.0
        if self.mixup_alpha == 0.0 and self.cutmix_alpha == 0.0:
            raise ValueError(
                "mixup_alpha and cutmix_alpha are 0 and cutmix_minmax is None, expected one of them to be set; "
                "MixedTargets.smoothed gives targets without mixing"
            )
        self.mix_prob = share("prob", prob)
        self.switch_prob = share("switch_prob", switch_prob)
        self.label_smoothing = share("label_smoothing", label_smoothing)
        choice("mode", mode, _MODES)
        self.mode = mode
        self.correct_lam = correct_lam
        self.num_classes = integer("num_classes", num_classes)
        if multi_label:
            raise ValueError(f"multi_label is {multi_label!r}, expected False: targets are a class label for each row")
        self.dense = dense
        if rng is not None and not isinstance(rng, np.random.RandomState):
            raise TypeError(f"rng is a {type(rng).__name__}, expected a numpy.random.RandomState or None")
        self.rng = rng
        self.mixup_enabled = True

    def __call__(self, x: Tensor, targets: Tensor) -> Tuple[Tensor, Union[MixedTargets, Tensor]]:
        """Mixes the images in place.

        Args:
            x: images ``[N, C, H, W]``, float16, bfloat16, float32 or float64, finite; overwritten.
            targets: class labels ``[N]``, integers. Their values are checked by the loss.

        Returns:
            ``x`` and its targets. A target gives the share lambda to the class of the row and the rest to the class of
            its partner. The targets are ``MixedTargets`` of N rows, or with ``dense`` a float32 tensor
            ``[N, num_classes]``.

        Raises:
            TypeError: ``x`` or ``targets`` is not a tensor of a type named above.
            ValueError: a shape differs from those above, or the batch is empty.
        """
        _check_batch(x, targets)
        count, height, width = x.shape[0], x.shape[2], x.shape[3]
        lam = np.ones(count)
        if self.mixup_enabled:
            lam, weight, box = self._draw(count, height, width)
            _mix(x, weight, box)
        # MPS has no double precision.
        wide = torch.float32 if targets.device.type == "mps" else torch.float64
        labels = targets.long()
        shares = _send(torch.from_numpy(lam).to(wide), labels.device)
        mixed = MixedTargets.mixed(labels, labels.flip(0), shares, self.num_classes, self.label_smoothing)
        return x, mixed.dense(torch.float32) if self.dense else mixed

    def _draw(self, count: int, height: int, width: int) -> Tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """The share of the row's own class ``[N]``, the partner's MixUp weight ``[N]``, the CutMix box ``[N, 4]``."""
        rng: Any = np.random if self.rng is None else self.rng
        if self.mode == "batch":
            drawn, cutmix = self._draw_batch(rng)
        else:
            drawn, cutmix = self._draw_rows(rng, count if self.mode == "elem" else count // 2)
        lam, weight = drawn.astype(np.float64), 1.0 - drawn.astype(np.float64)
        box = np.zeros((len(drawn), 4), dtype=np.int64)
        for row in np.flatnonzero(cutmix & (drawn != 1.0)):
            top, bottom, left, right = box[row] = self._draw_box(rng, drawn[row], height, width)
            weight[row] = 0.0
            if self.correct_lam or self.cutmix_minmax is not None:
                lam[row] = 1.0 - (bottom - top) * (right - left) / (height * width)
        if self.mode == "batch":
            return np.repeat(lam, count), np.repeat(weight, count), np.repeat(box, count, axis=0)
        if self.mode == "pair":
            return _mirror(lam, 1.0, count), _mirror(weight, 0.0, count), _mirror(box, 0, count)
        return lam, weight, box

    def _draw_rows(self, rng: Any, count: int) -> _Draws:
        """A lambda for each row or pair, and which of them use CutMix."""
        cutmix = np.full(count, self.mixup_alpha == 0.0)
        if self.mixup_alpha > 0.0 and self.cutmix_alpha > 0.0:
            cutmix = rng.rand(count) < self.switch_prob
            pasted = rng.beta(self.cutmix_alpha, self.cutmix_alpha, size=count)
            lam = np.where(cutmix, pasted, rng.beta(self.mixup_alpha, self.mixup_alpha, size=count))
        else:
            alpha = self.mixup_alpha or self.cutmix_alpha
            lam = rng.beta(alpha, alpha, size=count)
        # Single precision, as in timm: the size of a box is sqrt(1 - lambda) times the side, rounded down, so the last
        # digits of lambda matter.
        return np.where(rng.rand(count) < self.mix_prob, lam, 1.0).astype(np.float32), cutmix

    def _draw_batch(self, rng: Any) -> _Draws:
        """The one lambda of the batch ``[1]``, and whether it uses CutMix."""
        if rng.rand() >= self.mix_prob:
            return np.ones(1), np.zeros(1, dtype=np.bool_)
        cutmix = self.mixup_alpha == 0.0
        if self.mixup_alpha > 0.0 and self.cutmix_alpha > 0.0:
            cutmix = rng.rand() < self.switch_prob
        alpha = self.cutmix_alpha if cutmix else self.mixup_alpha
        return rng.beta(alpha, alpha, size=1), np.array([cutmix])

    def _draw_box(self, rng: Any, lam: Any, height: int, width: int) -> _Box:
        """The box as top, bottom, left, right; bottom and right are exclusive."""
        if self.cutmix_minmax is not None:
            low, high = self.cutmix_minmax
            # In a small image the range may contain only one size.
            cut_h = rng.randint(int(height * low), max(int(height * high), int(height * low) + 1))
            cut_w = rng.randint(int(width * low), max(int(width * high), int(width * low) + 1))
            top = rng.randint(0, height - cut_h + 1)
            left = rng.randint(0, width - cut_w + 1)
            return top, top + cut_h, left, left + cut_w
        side = np.sqrt(1 - lam)
        top, bottom = _span(rng.randint(0, height), int(height * side), height)
        left, right = _span(rng.randint(0, width), int(width * side), width)
        return top, bottom, left, right


def _span(centre: int, length: int, limit: int) -> Tuple[int, int]:
    """The interval of this length around a centre, cut off at the borders; the end is exclusive."""
    return max(centre - length // 2, 0), min(centre + (length + 1) // 2, limit)


def _mirror(values: NDArray[Any], middle: float, count: int) -> NDArray[Any]:
    """Values of pairs, expanded to all rows: both rows of a pair get the pair's value, the middle row ``middle``."""
    own = np.full((count % 2, *values.shape[1:]), middle, dtype=values.dtype)
    return np.concatenate((values, own, values[::-1]))


def _mix(x: Tensor, weight: NDArray[Any], box: NDArray[Any]) -> None:
    """Blends every row with its partner in place; inside a row's box the partner replaces it."""
    count, pixels = x.shape[0], x[0].numel()
    boxed = bool(box.any())
    if not boxed and not weight.any():
        return
    # Half precision is blended in single precision, so that the pixels have exactly the share that the targets state.
    work = torch.promote_types(x.dtype, torch.float32)
    plan = _send(torch.from_numpy(np.concatenate((weight[:, None], box), axis=1)).to(work), x.device)
    pairs = count // 2
    block = max(_BLOCK // pixels, 1) if x.device.type == "cpu" else pairs
    for first in range(0, pairs, max(block, 1)):
        last = min(first + block, pairs)
        near, far = slice(first, last), slice(count - last, count - first)
        partners = x[far].flip(0), x[near].flip(0)
        for rows, partner in zip((near, far), partners):
            _blend(x[rows], partner, _partner_weights(plan[rows], x.shape, boxed))


def _partner_weights(plan: Tensor, shape: Sequence[int], boxed: bool) -> Tensor:
    """The partner's weight for every pixel, ``[n, 1, H, W]``, or ``[n, 1, 1, 1]`` where no row has a box."""
    weight, top, bottom, left, right = plan[:, :, None].unbind(1)
    if not boxed:
        return weight[:, :, None, None]
    y = torch.arange(shape[2], device=plan.device)
    x = torch.arange(shape[3], device=plan.device)
    inside = ((y >= top) & (y < bottom))[:, None, :, None] & ((x >= left) & (x < right))[:, None, None, :]
    return weight[:, :, None, None].expand(inside.shape).masked_fill(inside, 1.0)


def _blend(rows: Tensor, partner: Tensor, weight: Tensor) -> None:
    wide = rows.to(weight.dtype)
    wide.lerp_(partner.to(weight.dtype), weight)
    if wide.dtype != rows.dtype:
        rows.copy_(wide)


def _send(values: Tensor, device: torch.device) -> Tensor:
    """Moves a small tensor to a device; on CUDA without waiting for it."""
    return values.to(device, non_blocking=device.type == "cuda")


def _check_batch(x: Any, targets: Any) -> None:
    for argument, value in (("x", x), ("targets", targets)):
        if not isinstance(value, Tensor):
            raise TypeError(f"{argument} is a {type(value).__name__}, expected a tensor")
    if x.dtype not in FLOATS:
        raise TypeError(f"x has dtype {x.dtype}, expected float16, bfloat16, float32 or float64")
    if x.dim() != 4 or x.numel() == 0:
        raise ValueError(f"x has shape {list(x.shape)}, expected [N, C, H, W], none of them 0")
    if not integers(targets):
        raise TypeError(f"targets has dtype {targets.dtype}, expected integers: a class label for each row of x")
    if targets.shape != x.shape[:1]:
        raise ValueError(f"targets has shape {list(targets.shape)}, expected [{x.shape[0]}], a label for each row of x")


def _alpha(argument: str, value: Any) -> float:
    alpha = number(argument, value)
    if not (math.isfinite(alpha) and alpha >= 0.0):
        raise ValueError(f"{argument} is {value}, expected a finite number of at least 0")
    return alpha


def _minmax(value: Any) -> Tuple[float, float]:
    try:
        shares = [number("cutmix_minmax", part) for part in value]
    except TypeError:
        raise TypeError(f"cutmix_minmax is {value!r}, expected two numbers or None") from None
    if len(shares) != 2 or not 0.0 <= shares[0] < shares[1] <= 1.0:
        raise ValueError(f"cutmix_minmax is {value!r}, expected two increasing numbers from 0 to 1")
    return shares[0], shares[1]
