"""Classes in place of targets as candidates: cross-entropy in the limit, for targets to be matched."""

from __future__ import annotations

from typing import Any, Dict, NamedTuple, Optional, Tuple, Union

import torch
from torch import Tensor

from softnce._settings import integer
from softnce.torch._call import Segment, noise_fits
from softnce.torch._memory import version
from softnce.torch.targets import widest

__all__ = ["ClassCandidates"]

#: The largest number of draws.
_MOST = 1 << 24
#: A class whose weight in a target is above this share of the probability that it is drawn is not left to chance.
_SHARE_OF_CHANCE = 0.1


class ClassCandidates:
    """The classes as candidates of soft target InfoNCE, for targets that are distributions to be matched.

    Pass it as ``candidates`` of a loss; ``"classes"`` stands for ``ClassCandidates()``. The targets themselves are then
    left out of the sum, which makes the loss match them as cross-entropy does; as candidates they would shift its
    optimum.

    - Without ``count`` all classes are candidates, class k with multiplicity ``noise_probs[k]``. The gradient and the
      cost are those of soft target cross-entropy, whatever the noise. The value differs by
      ``log(noise_probs) . targets``, which is negative.
    - With ``count``, ``count`` classes are drawn from the noise distribution in each call, each with multiplicity
      ``1 / count``. The classes that matter in the targets of the batch count exactly, drawn or not: those to which a
      target gives more than a tenth of the probability that they are drawn. The sum in the loss is an unbiased estimate
      of that over all classes. Draws come from PyTorch's generator of the device. They save no time in the losses of
      logits: the logits of all classes exist, and classes that are not drawn are candidates with multiplicity 0. There
      leave the count out, which is exact and costs no more. :class:`softnce.head.InfoNCEHead` computes only the drawn
      classes and those of the targets: sampled softmax with soft targets, for any number of classes.

    Args:
        count: the number of draws, 1 to 16,777,216. Default: all classes.

    Raises:
        ValueError: the count is out of its range.
        TypeError: the count is no integer.
    """

    def __init__(self, count: Optional[int] = None) -> None:
        if count is not None:
            count = integer("count", count)
            if count > _MOST:
                raise ValueError(f"count is {count}, expected at most {_MOST}")
        self.count = count

    def __repr__(self) -> str:
        return "ClassCandidates()" if self.count is None else f"ClassCandidates(count={self.count})"


def of(candidates: Any) -> Optional[ClassCandidates]:
    """Class candidates, if the argument ``candidates`` of a loss stands for them."""
    if isinstance(candidates, ClassCandidates):
        return candidates
    if isinstance(candidates, str):
        if candidates != "classes":
            raise ValueError(f'candidates is {candidates!r}, expected "classes" or targets')
        return ClassCandidates()
    return None


def refuse_others(options: Dict[str, Any]) -> None:
    """Raises an error for arguments that do not go with class candidates."""
    for name in ("positives", "multiplicities"):
        if options.get(name) is not None:
            raise ValueError(f"{name} is given with classes as candidates, expected one of them")


class Drawn(NamedTuple):
    """Candidates and multiplicities of a call."""

    candidates: Tensor
    multiplicities: Tensor


class Sampler:
    """Draws classes from a noise distribution in O(log d) a draw, after O(d) once."""

    def __init__(self, noise: Optional[Tensor], num_classes: int, device: torch.device) -> None:
        self.num_classes, self.device = num_classes, device
        #: The sums of the probabilities up to each class, ``[d]``; None: uniform.
        self._sums = None if noise is None else noise.to(device, widest(device)).cumsum(0)
        self._noise, self._version = noise, _version(noise)

    def serves(self, noise: Optional[Tensor], device: torch.device) -> bool:
        """Whether it draws from this distribution as it is now."""
        return noise is self._noise and _version(noise) == self._version and device == self.device

    def draw(self, count: int) -> Tensor:
        """Classes ``[count]``, from PyTorch's generator of the device."""
        return _draws(self._sums, count, self.num_classes, self.device)

    def probabilities(self, classes: Tensor) -> Tensor:
        """The probabilities of some classes."""
        if self._sums is None or self._noise is None:
            return torch.full(classes.shape, 1.0 / self.num_classes, dtype=widest(self.device), device=self.device)
        return self._noise[classes].to(self._sums.dtype) / self._sums[-1]


def _draws(sums: Optional[Tensor], count: int, num_classes: int, device: torch.device) -> Tensor:
    """Classes ``[count]``, from the sums of the probabilities up to each class; None: uniform."""
    if sums is None:
        return torch.randint(num_classes, (count,), device=device)
    places = torch.rand(count, dtype=sums.dtype, device=device) * sums[-1]
    return torch.searchsorted(sums, places, right=True).clamp_(max=num_classes - 1)


def _version(noise: Optional[Tensor]) -> int:
    return 0 if noise is None else version(noise)


def draw(count: int, own: Segment, noise: Optional[Tensor], num_classes: int) -> Drawn:
    """All classes, with the multiplicities of a draw, behind targets with multiplicity 0."""
    device = own.first.device
    dtype = widest(device)
    eta = probabilities(noise, num_classes, device)
    if noise is not None:
        # Draws from bad noise could fail with an error that names another argument: the loss refuses it itself.
        eta = torch.where(noise_fits(noise), eta, torch.full_like(eta, 1.0 / num_classes))
    drawn = _draws(None if noise is None else eta.cumsum(0), count, num_classes, device)
    counts = eta.new_zeros(num_classes).index_add(0, drawn, eta.new_ones(count)) / count
    exact = _largest_weights(own, num_classes, dtype) > _SHARE_OF_CHANCE * _chance(eta, count)
    multiplicities = torch.cat((eta.new_zeros(own.rows()), torch.where(exact, eta, counts)))
    return Drawn(torch.arange(num_classes, device=device), multiplicities)


def draw_some(count: int, own: Segment, sampler: Sampler) -> Drawn:
    """The same over the classes that are drawn or in a target, in time that does not depend on their number.

    ``own``: labels, or compact rows without a uniform share.
    """
    drawn = sampler.draw(count)
    if drawn.is_meta:
        return Drawn(drawn, torch.zeros(own.rows() + count, dtype=widest(drawn.device), device=drawn.device))
    if own.second is None:
        listed, weights = own.first.long(), None
    else:
        # A class out of range is named by the loss.
        listed, weights = _merged(own.first.long(), own.second.to(widest(own.first.device)))
    listed = listed.flatten().clamp(0, sampler.num_classes - 1)
    classes, places = torch.cat((listed, drawn)).unique(return_inverse=True)
    eta = sampler.probabilities(classes)
    ones = eta.new_ones(len(places))
    counts = torch.zeros_like(eta).index_add(0, places[len(listed) :], ones[: len(drawn)]) / count
    given = ones[: len(listed)] if weights is None else weights.flatten()
    largest = torch.zeros_like(eta).scatter_reduce(0, places[: len(listed)], given, "amax")
    exact = largest > _SHARE_OF_CHANCE * _chance(eta, count)
    return Drawn(classes, torch.cat((eta.new_zeros(own.rows()), torch.where(exact, eta, counts))))


def _chance(eta: Tensor, count: int) -> Tensor:
    """The probability that a class is drawn."""
    return -torch.expm1(count * torch.log1p(-eta))


def _largest_weights(own: Segment, num_classes: int, dtype: torch.dtype) -> Tensor:
    """The largest weight of each class in any target, ``[d]``. Bad values are found later."""
    if own.is_dense():
        return own.first.to(dtype).amax(0)
    classes = own.first.long().clamp(0, num_classes - 1)
    largest = torch.zeros(num_classes, dtype=dtype, device=classes.device)
    if own.second is None:
        return largest.scatter(0, classes, 1.0)
    classes, weights = _merged(classes, own.second.to(dtype))
    floor = torch.as_tensor(own.uniform / num_classes, dtype=dtype, device=classes.device)
    if own.shares is not None:
        floor = (own.shares.to(dtype) / num_classes)[:, None]
        largest = largest + floor.amax()
    else:
        largest = largest + floor
    return largest.scatter_reduce(0, classes.flatten(), (weights + floor).flatten(), "amax")


def _merged(classes: Tensor, weights: Tensor) -> Tuple[Tensor, Tensor]:
    """Compact rows ``[M, K]`` in which every mention of a class has the weight of all its mentions in the row."""
    classes, order = classes.sort(1)
    starts = torch.zeros_like(classes)
    starts[:, 1:] = classes[:, 1:] != classes[:, :-1]
    group = starts.cumsum(1)
    totals = torch.zeros_like(weights).scatter_add(1, group, weights.gather(1, order))
    return classes, totals.gather(1, group)


def probabilities(noise: Optional[Tensor], num_classes: int, device: torch.device) -> Tensor:
    """The noise distribution ``[d]``."""
    if noise is None:
        return torch.full((num_classes,), 1.0 / num_classes, dtype=widest(device), device=device)
    noise = noise.to(widest(device))
    return noise / noise.sum()


def constants(own: Segment, noise: Optional[Tensor], num_classes: int, rows: int) -> Tensor:
    """``log(noise_probs) . w`` of each target, the loss over all classes minus cross-entropy, ``[N]``."""
    logs = probabilities(noise, num_classes, own.first.device).log()
    first = own.first[:rows]
    if own.is_dense():
        weights = first.to(logs.dtype)
        return weights @ logs / weights.sum(1)
    found = logs[first.long().clamp(0, num_classes - 1)]
    if own.second is None:
        return found
    uniform: Union[float, Tensor] = own.uniform if own.shares is None else own.shares[:rows].to(logs.dtype)
    return (own.second[:rows].to(logs.dtype) * found).sum(1) + uniform * logs.mean()
