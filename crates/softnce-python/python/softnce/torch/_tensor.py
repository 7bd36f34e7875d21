"""The losses in PyTorch operations on the device of the logits, used on CUDA and other devices.

Labels and compact rows are gathered, dense rows multiplied. Rows are processed in chunks, so only some of the N x M
scores exist at any time, and no tensor has N x M x d entries. One pass gives value and gradients.
"""

from __future__ import annotations

from typing import List, NamedTuple, Optional, Sequence, Tuple, Union

import torch
from torch import Tensor

from softnce.torch._call import CONTRASTIVE, HARD, Call, Needs, Result, Segment, compact_segment, wide
from softnce.torch._checks import ask_kernels, check_shapes, check_values
from softnce.torch.targets import normalised, recognise, simplex_tolerance, widest

__all__ = ["Candidates", "evaluate", "log_noise", "multiplicities", "positives_of", "prepare", "row_factors"]

CROSS_ENTROPY = "soft-target-cross-entropy"
#: Scores that exist at any time: those of all candidates for the rows of one chunk.
CHUNK = 1 << 24


class Candidates(NamedTuple):
    """A segment, converted to the type of the scores."""

    #: ``[M]``, ``[M, K]`` or ``[M, d]``; dense rows are divided by their sums.
    first: Tensor
    weights: Optional[Tensor]
    #: The uniform shares; None if they are equal in all candidates, because then they cancel.
    uniform: Union[None, float, Tensor]

    def score(self, scores: Tensor) -> Tensor:
        """``S W^T``: ``[n, d]`` to ``[n, M]``."""
        if self.weights is None:
            return scores[:, self.first] if self.first.dim() == 1 else scores @ self.first.T
        out: Optional[Tensor] = None
        for classes, weights in zip(self.first.unbind(1), self.weights.unbind(1)):
            term = scores[:, classes].mul_(weights)
            out = term if out is None else out.add_(term)
        if out is None:
            out = scores.new_zeros(scores.shape[0], self.first.shape[0])
        if self.uniform is not None:
            out += scores.mean(1, keepdim=True) * self.uniform
        return out

    def spread(self, by_candidate: Tensor, out: Tensor) -> None:
        """Adds ``P W``: ``[n, M]`` to ``[n, d]``. ``out`` is in double precision where the device has it: entries are
        added one after another, so in single precision the rounding errors of many equal terms would show."""
        if self.weights is None:
            if self.first.dim() == 1:
                out.index_add_(1, self.first, by_candidate.to(out.dtype))
            else:
                out += by_candidate @ self.first
            return
        for classes, weights in zip(self.first.unbind(1), self.weights.unbind(1)):
            out.index_add_(1, classes, (by_candidate * weights).to(out.dtype))
        if self.uniform is not None:
            out += (by_candidate * self.uniform).sum(1, keepdim=True) / out.shape[1]

    def rows(self, index: Tensor, like: Tensor) -> Tensor:
        """Dense rows of some candidates, ``[n, d]``."""
        if self.weights is None and self.first.dim() == 2:
            return self.first[index]
        out = torch.zeros_like(like)
        if self.weights is None:
            return out.scatter_(1, self.first[index][:, None], 1.0)
        if self.uniform is not None:
            share = self.uniform[index][:, None] if isinstance(self.uniform, Tensor) else self.uniform
            out += share / out.shape[1]
        return out.scatter_add_(1, self.first[index], self.weights[index])


def evaluate(call: Call, logits: Tensor, temperature: Optional[Tensor], needs: Needs) -> Result:
    """The loss of logits ``[N, d]`` and its gradients."""
    sums = wide(logits.dtype)
    check_shapes(call, logits, temperature)
    if call.kind in HARD:
        segments = [_labels(call, segment, logits, temperature) for segment in call.segments]
    else:
        segments = [_recognised(segment) if call.recognise else segment for segment in call.segments]
    top = check_values(call, segments, logits, temperature) if call.check_values else None
    factors = row_factors(call, logits, sums)
    tau = temperature.detach().to(sums) if temperature is not None else call.temperature
    rows = _rows(call, segments, logits.shape[1], sums)
    losses, gradients, parts = [], [], []
    wanted = needs.logits or needs.temperature
    step = max(1, CHUNK // max(rows.width, logits.shape[1]))
    for start in range(0, logits.shape[0], step):
        chunk = logits[start : start + step].detach().to(sums)
        highest = chunk.amax(1) if top is None else top[start : start + step]
        scores = (chunk - highest[:, None]) / tau
        loss, gradient = rows.evaluate(scores, start, wanted)
        factor = factors[start : start + step]
        losses.append(loss * factor)
        if gradient is None:
            continue
        gradient *= factor[:, None]
        if needs.temperature:
            # The gradients of a row sum to 0, so the constant subtracted from its logits does not matter.
            # Scores may be infinite where the gradient is 0.
            parts.append(-torch.where(gradient == 0, 0.0, gradient * scores).sum(1) / tau)
        if needs.logits:
            gradients.append(gradient.div_(tau))
    by_row = call.reduction == "none"
    value = _whole(losses)
    value = value if by_row else value.sum()
    part = _whole(parts) if parts else None
    return Result(
        value.to(needs.dtype),
        _whole(gradients) if gradients else None,
        part if part is None or by_row else part.sum().reshape(1),
    )


def _whole(chunks: List[Tensor]) -> Tensor:
    """The chunks one after another; a single one is not copied."""
    return chunks[0] if len(chunks) == 1 else torch.cat(chunks)


def _rows(
    call: Call, segments: List[Segment], num_classes: int, sums: torch.dtype
) -> Union[_CrossEntropy, _Contrastive]:
    """The computation of a loss."""
    if call.kind in CONTRASTIVE:
        return _Contrastive(call, segments, num_classes, sums)
    if call.kind == CROSS_ENTROPY:
        return _CrossEntropy(call, segments, sums)
    known = ", ".join(map(repr, (*CONTRASTIVE, CROSS_ENTROPY)))
    raise ValueError(f"loss is {call.kind!r}, expected one of {known}, which have tensor operations")


def _labels(call: Call, segment: Segment, logits: Tensor, temperature: Optional[Tensor]) -> Segment:
    """One-hot rows of any form as labels; the kernels name what is wrong with others."""
    first, weights = segment.first, segment.second
    if first.dim() == 1:
        return segment
    if weights is None:
        rows, tolerance = first.to(wide(first.dtype)), simplex_tolerance(first.dtype)
    else:
        if bool(((first < 0) | (first >= logits.shape[1])).any()):
            ask_kernels(call, logits, temperature)
        share = segment.uniform if segment.shares is None else segment.shares[:, None]
        weights, tolerance = weights.to(widest(first.device)), 1e-4
        rows = torch.zeros(first.shape[0], logits.shape[1], dtype=weights.dtype, device=first.device)
        rows = rows.scatter_add_(1, first.long(), weights) + share / logits.shape[1]
    present = rows != 0
    if not bool(((present.sum(1) == 1) & ((rows.sum(1) - 1).abs() <= tolerance)).all()):
        ask_kernels(call, logits, temperature)
    return Segment(present.to(torch.uint8).argmax(1), None, 0.0, None, segment.counts)


def _recognised(segment: Segment) -> Segment:
    """Dense rows in their compact form, if they have one."""
    if not segment.is_dense():
        return segment
    try:
        found = recognise(segment.first, exact=True)
    except ValueError:
        # Some rows are not distributions: the value check names them.
        return segment
    return segment if found is None else compact_segment(found, segment.counts)


def row_factors(call: Call, logits: Tensor, sums: torch.dtype) -> Tensor:
    """The factor of the loss of each row: its weight, divided by the sum for the mean, times the scale."""
    count = logits.shape[0]
    if call.row_weights is None:
        factor = call.scale / count if call.reduction == "mean" else call.scale
        return torch.full((count,), factor, dtype=sums, device=logits.device)
    weights = call.row_weights.to(widest(logits.device))
    if call.reduction == "mean":
        # Divided by the largest weight first, so that the sum does not overflow.
        weights = weights / weights.amax()
        weights = weights / weights.sum()
    return (call.scale * weights).to(sums)


def prepare(segments: Sequence[Segment], sums: torch.dtype, cancel: bool) -> List[Candidates]:
    """The segments in the type of the scores. With ``cancel``, equal uniform shares are omitted."""
    shares = {None if part.is_dense() or part.shares is not None else part.uniform for part in segments}
    equal = cancel and len(shares) == 1 and None not in shares
    return [_candidates(part, sums, equal) for part in segments]


def _candidates(part: Segment, sums: torch.dtype, equal: bool) -> Candidates:
    if part.second is None:
        if part.first.dim() == 1:
            return Candidates(part.first.long(), None, None)
        rows = part.first.to(sums)
        return Candidates(rows / rows.sum(1, keepdim=True), None, None)
    uniform, weights = normalised(part.uniform if part.shares is None else part.shares, part.second)
    if equal or (part.shares is None and part.uniform == 0.0):
        return Candidates(part.first.long(), weights.to(sums), None)
    uniform = uniform.to(sums) if isinstance(uniform, Tensor) else uniform
    return Candidates(part.first.long(), weights.to(sums), uniform)


def positives_of(call: Call, start: int, count: int, device: torch.device) -> Tensor:
    """The positives of some rows, ``[n, 1]``."""
    if call.positives is not None:
        return call.positives[start : start + count].long()[:, None]
    first = call.offset + start
    return torch.arange(first, first + count, device=device)[:, None]


class _Contrastive:
    """Soft target InfoNCE of rows of scores."""

    def __init__(self, call: Call, segments: List[Segment], num_classes: int, sums: torch.dtype) -> None:
        self.call = call
        self.log_noise = None if call.noise is None else log_noise(call.noise, sums)
        self.segments = prepare(segments, sums, cancel=True)
        counts = multiplicities(segments)
        self.log_counts = None if counts is None else counts.log().to(sums)
        self.labels: Optional[Tensor] = None
        self.width = sum(part.rows() for part in segments)
        if all(part.second is None and part.first.dim() == 1 for part in segments) and self.width > num_classes:
            # Equal labels are merged into one candidate with a multiplicity.
            self.labels = torch.cat([part.first for part in self.segments])
            counts = torch.ones_like(self.labels, dtype=widest(self.labels.device)) if counts is None else counts
            by_class = torch.zeros(num_classes, dtype=counts.dtype, device=self.labels.device)
            self.log_counts = by_class.index_add_(0, self.labels, counts).log().to(sums)
            self.width = num_classes

    def evaluate(self, scores: Tensor, start: int, wanted: bool) -> Tuple[Tensor, Optional[Tensor]]:
        """The losses ``[n]`` and their gradients with respect to the scores ``[n, d]``."""
        if self.log_noise is not None:
            scores = scores - self.log_noise
        positives = positives_of(self.call, start, scores.shape[0], scores.device)
        if self.labels is not None:
            positives = self.labels[positives]
            critic = scores
        else:
            critic = torch.cat([part.score(scores) for part in self.segments], 1)
        positive = critic.gather(1, positives)
        counted = critic if self.log_counts is None else critic + self.log_counts
        # Relative to the largest score: beside large scores the logarithm of the sum would be lost in rounding.
        peak = counted.amax(1, keepdim=True)
        posterior = (counted - peak).exp_()
        total = posterior.sum(1, keepdim=True)
        loss = ((peak - positive) + total.log())[:, 0]
        if not wanted:
            return loss, None
        posterior /= total
        # The positive's gradient is its probability minus 1. It is computed as minus the sum of the others, which stays
        # accurate when the probability is close to 1.
        posterior.scatter_(1, positives, 0.0)
        posterior.scatter_(1, positives, -posterior.sum(1, keepdim=True))
        if self.labels is not None:
            return loss, posterior
        gradient = torch.zeros_like(scores, dtype=widest(scores.device))
        sizes = [part.first.shape[0] for part in self.segments]
        for part, by_candidate in zip(self.segments, posterior.split(sizes, 1)):
            part.spread(by_candidate, gradient)
        return loss, gradient.to(scores.dtype)


class _CrossEntropy:
    """Soft target cross-entropy of rows of scores."""

    def __init__(self, call: Call, segments: List[Segment], sums: torch.dtype) -> None:
        self.call = call
        self.segments = prepare(segments, sums, cancel=False)
        self.width = 0

    def evaluate(self, scores: Tensor, start: int, wanted: bool) -> Tuple[Tensor, Optional[Tensor]]:
        """The losses ``[n]`` and their gradients with respect to the scores ``[n, d]``."""
        log_posterior = scores.log_softmax(1)
        gradient = log_posterior.exp() if wanted else None
        positives = positives_of(self.call, start, scores.shape[0], scores.device)[:, 0]
        losses = torch.zeros(scores.shape[0], dtype=scores.dtype, device=scores.device)
        first = 0
        for part in self.segments:
            count = part.first.shape[0]
            rows = part.rows((positives - first).clamp(0, count - 1), scores)
            if len(self.segments) > 1:
                rows *= ((positives >= first) & (positives < first + count))[:, None]
            losses -= (rows * log_posterior).sum(1)
            if gradient is not None:
                gradient -= rows
            first += count
        return losses, gradient


def log_noise(noise: Tensor, sums: torch.dtype) -> Tensor:
    noise = noise.to(widest(noise.device))
    return (noise / noise.sum()).log().to(sums)


def multiplicities(segments: Sequence[Segment]) -> Optional[Tensor]:
    """The multiplicities, ``[M]``; None if all are 1."""
    if all(part.counts is None for part in segments):
        return None
    dtype = widest(segments[0].first.device)
    ones = [part.first.new_ones(part.rows(), dtype=dtype) if part.counts is None else part.counts for part in segments]
    return torch.cat([part.to(dtype) for part in ones])
