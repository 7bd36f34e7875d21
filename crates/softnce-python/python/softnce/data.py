"""MixUp and CutMix with one lambda per row, for training with soft target InfoNCE.

:class:`Mixup` takes the options of ``timm.data.Mixup`` and makes the same images from the same random numbers. Three
things differ:

- The default mode is ``"elem"``: every row draws its own lambda. timm's default, ``"batch"``, draws one lambda for the
  whole batch. If that batch is the only source of candidates, every row's target is then an extreme point of the
  candidates, unless rows meet their own class. Soft target InfoNCE then has no finite optimum and falls to 0 as the
  logits grow.
- It returns :class:`softnce.torch.MixedTargets`: a few numbers per row instead of one for each class.
- It takes tensors of any shape, integers too, and soft labels as well as class labels.
"""

from __future__ import annotations

import math
from typing import Any, List, Optional, Sequence, Tuple, Union

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from softnce._blending import blend, box_sizes
from softnce._choices import Mode
from softnce._settings import choice, flag, integer, number, share
from softnce._target_mixing import mix_targets
from softnce.torch._memory import FLOATS, integers
from softnce.torch.targets import MixedTargets

__all__ = ["Mixup"]

_MODES = ("batch", "pair", "elem")

_Draws = Tuple[NDArray[Any], NDArray[np.bool_]]


class Mixup:
    """Mixes row i of a batch of N images, or other tensors, with row N-1-i, its partner.

    The options have the names, order and meaning of those of ``timm.data.Mixup``. Training loops may set the attribute
    ``mixup_enabled`` to False for their last epochs: images are then not mixed, but labels are still smoothed.

    The batch may have an odd number of rows. Its middle row is its own partner; mode ``"pair"`` leaves it unmixed.

    Random numbers come from numpy's global generator, in timm's order, so ``numpy.random.seed`` gives timm's lambdas
    and boxes. Seed it differently in each process of a distributed run.

    Args:
        mixup_alpha: both parameters of the beta distribution of MixUp's lambda; 0 turns MixUp off.
        cutmix_alpha: the same for CutMix; 0 turns CutMix off.
        cutmix_minmax: the smallest and largest size of a CutMix box, as shares of the image's height and width (of the
            length, where the box is an interval). It replaces ``cutmix_alpha``, which becomes 1.
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
        mode: Mode = "elem",
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
        self.mode: Mode = mode
        self.correct_lam = flag("correct_lam", correct_lam)
        self.num_classes = integer("num_classes", num_classes)
        if multi_label:
            raise ValueError(f"multi_label is {multi_label!r}, expected False: targets are a class label for each row")
        self.dense = flag("dense", dense)
        if rng is not None and not isinstance(rng, np.random.RandomState):
            raise TypeError(f"rng is a {type(rng).__name__}, expected a numpy.random.RandomState or None")
        self.rng = rng
        self.mixup_enabled = True

    def __call__(self, x: Tensor, targets: Union[Tensor, MixedTargets]) -> Tuple[Tensor, Union[MixedTargets, Tensor]]:
        """Mixes the rows in place.

        CutMix takes a rectangle of the last two dimensions from the partner, the same in all channels and frames, if
        ``x`` has at least four dimensions: images ``[N, C, H, W]``, videos ``[N, C, T, H, W]``. With fewer it takes an
        interval of the last one: audio ``[N, T]`` or ``[N, C, T]``, tables ``[N, F]``.

        Args:
            x: ``[N, ...]``, floats, finite, or integers, which are rounded after MixUp; overwritten.
            targets: class labels ``[N]``, integers; or soft labels: ``MixedTargets`` of N rows, or probabilities
                ``[N, num_classes]``. Their values are checked by the loss.

        Returns:
            ``x`` and its targets. A target gives the share lambda to the target of the row and the rest to that of its
            partner. The targets are ``MixedTargets`` of N rows; or a tensor ``[N, num_classes]``, with ``dense`` or for
            soft labels as probabilities (float64 for float64, otherwise float32).

        Raises:
            TypeError: ``x`` or ``targets`` is not a tensor of a type named above.
            ValueError: a shape differs from those above, or the batch is empty.
        """
        _check_batch(x, targets, self.num_classes)
        count = x.shape[0]
        lam = np.ones(count)
        if self.mixup_enabled:
            lam, weight, box = self._draw(count, box_sizes(x.shape))
            blend(x, weight, box)
        mixed = mix_targets(targets, lam, self.num_classes, self.label_smoothing)
        if self.dense and isinstance(mixed, MixedTargets):
            return x, mixed.dense(torch.float32)
        return x, mixed

    def _draw(self, count: int, sizes: Sequence[int]) -> Tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """The share of the row's own target ``[N]``, the partner's MixUp weight ``[N]``, the CutMix box ``[N, 2 D]``:
        start and end, which is exclusive, in each of its D dimensions."""
        rng: Any = np.random if self.rng is None else self.rng
        if self.mode == "batch":
            drawn, cutmix = self._draw_batch(rng)
        else:
            drawn, cutmix = self._draw_rows(rng, count if self.mode == "elem" else count // 2)
        lam, weight = drawn.astype(np.float64), 1.0 - drawn.astype(np.float64)
        box = np.zeros((len(drawn), 2 * len(sizes)), dtype=np.int64)
        for row in np.flatnonzero(cutmix & (drawn != 1.0)):
            spans = self._draw_box(rng, drawn[row], sizes)
            box[row] = np.ravel(spans)
            weight[row] = 0.0
            if self.correct_lam or self.cutmix_minmax is not None:
                pasted = math.prod(end - start for start, end in spans)
                lam[row] = 1.0 - pasted / math.prod(sizes)
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

    def _draw_box(self, rng: Any, lam: Any, sizes: Sequence[int]) -> List[Tuple[int, int]]:
        """The box as an interval in each of its dimensions; the ends are exclusive."""
        if self.cutmix_minmax is not None:
            low, high = self.cutmix_minmax
            # In a small image the range may contain only one size.
            cuts = [rng.randint(int(n * low), max(int(n * high), int(n * low) + 1)) for n in sizes]
            starts = [rng.randint(0, n - cut + 1) for n, cut in zip(sizes, cuts)]
            return [(start, start + cut) for start, cut in zip(starts, cuts)]
        side = np.sqrt(1 - lam) if len(sizes) == 2 else 1 - lam
        return [_span(rng.randint(0, n), int(n * side), n) for n in sizes]


def _span(centre: int, length: int, limit: int) -> Tuple[int, int]:
    """The interval of this length around a centre, cut off at the borders; the end is exclusive."""
    return max(centre - length // 2, 0), min(centre + (length + 1) // 2, limit)


def _mirror(values: NDArray[Any], middle: float, count: int) -> NDArray[Any]:
    """Values of pairs, expanded to all rows: both rows of a pair get the pair's value, the middle row ``middle``."""
    own = np.full((count % 2, *values.shape[1:]), middle, dtype=values.dtype)
    return np.concatenate((values, own, values[::-1]))


def _check_batch(x: Any, targets: Any, num_classes: int) -> None:
    for argument, value, kinds in (("x", x, (Tensor,)), ("targets", targets, (Tensor, MixedTargets))):
        if not isinstance(value, kinds):
            raise TypeError(f"{argument} is a {type(value).__name__}, expected a tensor")
    if not (x.dtype in FLOATS or integers(x)):
        raise TypeError(f"x has dtype {x.dtype}, expected floats or integers")
    if x.dim() < 2 or x.numel() == 0:
        raise ValueError(f"x has shape {list(x.shape)}, expected [N, ...], none of them 0")
    soft = isinstance(targets, MixedTargets) or targets.dtype in FLOATS
    if not soft and not integers(targets):
        raise TypeError(f"targets has dtype {targets.dtype}, expected integers (class labels) or floats (soft labels)")
    expected = [x.shape[0], num_classes] if soft else [x.shape[0]]
    if list(targets.shape) != expected:
        kind = "the probabilities of num_classes classes" if soft else "a label"
        raise ValueError(f"targets has shape {list(targets.shape)}, expected {expected}, {kind} for each row of x")


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
