"""Soft target InfoNCE over dense rows: two matrix products of the vendor's library, and kernels around them.

The precision of the products is PyTorch's own setting (``torch.set_float32_matmul_precision``, by default float32).
Rows are processed in chunks; the scores of a single chunk are kept as the gradient with respect to them, those of
several are computed again in the backward pass. One chunk takes at most eight launches for loss and gradients.
"""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import torch
from torch import Tensor

from softnce.torch._call import Call, wide
from softnce.torch._triton import flags
from softnce.torch._triton._family import Saved
from softnce.torch._triton.dense_kernels import centre_rows, measure_candidates, scale_rows, softmax_rows
from softnce.torch._triton.launch import launch, sum_type
from softnce.torch._triton.matrix import block, row_major
from softnce.torch._triton.reduction import reduce, results
from softnce.torch.targets import simplex_tolerance, widest

__all__ = ["backward", "forward", "sizes"]

#: Scores that exist at any time.
CHUNK = 1 << 24


class _Layout(NamedTuple):
    """Where ``Saved.floats`` holds what.

    It begins with the gradient with respect to the scores, ``[N, M]``, if there is a single chunk: there it is aligned
    as the products like it.
    """

    #: The four numbers of each row that ``softmax_rows`` saves.
    numbers: int
    #: The results of ``reduce_rows``.
    reduced: int
    #: What ``measure_candidates`` stores of each candidate.
    inverses: int
    length: int
    #: Rows in a chunk.
    step: int


def sizes(call: Call, shape: torch.Size) -> Tuple[int, int]:
    """The lengths of ``Saved.floats`` and ``Saved.integers`` for logits of a shape."""
    return _layout(call, shape).length, 0


def forward(call: Call, logits: Tensor, temperature: Optional[Tensor]) -> Tuple[Tensor, Saved]:
    """The loss, and what the backward pass reads."""
    work = _Work(call, logits, temperature)
    losses = torch.empty(work.rows, dtype=work.sums, device=logits.device)
    floats = torch.empty(work.layout.length, dtype=work.sums, device=logits.device)
    work.measure(floats)
    for start, scores in work.chunks(floats):
        work.score(start, scores, bool(call.check_values))
        work.softmax(start, scores, losses, floats, True, work.single or temperature is not None)
    loss = reduce(call, losses, temperature is not None, floats, work.layout.numbers, work.layout.reduced)
    return loss, Saved(floats, torch.empty(0, dtype=torch.int32, device=logits.device))


def backward(
    call: Call, logits: Tensor, temperature: Optional[Tensor], saved: Saved, upstream: Tensor, learn: bool
) -> Tuple[Tensor, Tensor]:
    """The gradients of the logits and of the temperature."""
    work = _Work(call, logits, temperature)
    by_row = call.reduction == "none"
    gradient = torch.empty_like(work.logits, memory_format=torch.contiguous_format)
    by_temperature = gradient if temperature is None else torch.empty_like(temperature)
    for start, scores in work.chunks(saved.floats):
        if not work.single:
            work.score(start, scores, False)
            work.softmax(start, scores, saved.floats, saved.floats, False, True)
        products = work.multiply(start, scores, gradient)
        size = block(work.num_classes, split=True)
        launch(
            scale_rows,
            scores.shape[0] * -(-work.num_classes // size["BLOCK"]),
            logits.device,
            (
                products,
                work.row_weights,
                work.temperature,
                saved.floats,
                upstream,
                upstream.stride(0) if by_row else 0,
                gradient,
                by_temperature,
                start,
                work.layout.reduced,
                work.num_classes,
                call.temperature,
                call.scale,
            ),
            ROW_WEIGHTS=call.row_weights is not None,
            BY_ROW=by_row,
            LEARN=learn and not by_row,
            **work.constants,
            **size,
        )
    if learn and by_row and temperature is not None:
        parts = saved.floats[work.layout.numbers :][: work.rows]
        by_temperature = (parts * upstream).sum().to(temperature.dtype)
    return gradient, by_temperature if learn else gradient.new_empty(0)


def _layout(call: Call, shape: torch.Size) -> _Layout:
    rows, num_classes = shape
    candidates = sum([segment.rows() for segment in call.segments])
    step = max(1, CHUNK // max(candidates, num_classes))
    numbers = rows * candidates if rows <= step else 0
    reduced = numbers + 4 * rows
    inverses = reduced + results(call)
    counted = any([segment.counts is not None for segment in call.segments])
    length = inverses + (1 + int(call.noise is not None) + int(counted)) * candidates
    return _Layout(numbers, reduced, inverses, length, step)


class _Work:
    """The tensors of a call in the form that the kernels read, and the steps of both passes."""

    def __init__(self, call: Call, logits: Tensor, temperature: Optional[Tensor]) -> None:
        self.call, self.logits = call, row_major(logits)
        self.rows, self.num_classes = logits.shape
        self.sums = wide(logits.dtype)
        self.layout = _layout(call, logits.shape)
        self.single = self.rows <= self.layout.step
        self.candidates = sum([segment.rows() for segment in call.segments])
        self.parts = [row_major(segment.first) for segment in call.segments]
        self.converted: List[Tensor] = []
        # Tensors that do not exist are replaced by the logits and never read.
        self.temperature = self.logits if temperature is None else temperature
        self.row_weights = self.logits if call.row_weights is None else call.row_weights.contiguous()
        self.positives = self.logits if call.positives is None else call.positives.contiguous()
        self.noise = self.logits if call.noise is None else call.noise.contiguous()
        self.counts = self._counts()
        self.constants: Dict[str, Any] = {"LEARNED": temperature is not None, "WIDE": sum_type(logits)}

    def _counts(self) -> Optional[Tensor]:
        """The multiplicities of all candidates, ``[M]``; None if all are 1."""
        segments = self.call.segments
        if all([segment.counts is None for segment in segments]):
            return None
        dtype, device = widest(self.logits.device), self.logits.device
        parts = [
            torch.ones(segment.rows(), dtype=dtype, device=device) if segment.counts is None else segment.counts
            for segment in segments
        ]
        return parts[0].contiguous() if len(parts) == 1 else torch.cat([part.to(dtype) for part in parts])

    def chunks(self, floats: Tensor) -> Any:
        """The first row of each chunk, and memory for its scores ``[n, M]``."""
        if self.single:
            yield 0, floats[: self.layout.numbers].view(self.rows, self.candidates)
            return
        scratch = torch.empty(self.layout.step, self.candidates, dtype=self.sums, device=self.logits.device)
        for start in range(0, self.rows, self.layout.step):
            yield start, scratch[: self.rows - start]

    def measure(self, floats: Tensor) -> None:
        """The sums of the candidates, the scores of their noise, and the logarithms of their multiplicities."""
        first = 0
        for part in self.parts:
            launch(
                measure_candidates,
                part.shape[0],
                self.logits.device,
                (
                    part,
                    part.stride(0),
                    self.noise,
                    self.logits if self.counts is None else self.counts,
                    floats,
                    flags.words(self.logits.device),
                    first,
                    self.candidates,
                    self.layout.inverses,
                    self.num_classes,
                    simplex_tolerance(part.dtype),
                ),
                NOISE=self.call.noise is not None,
                COUNTS=self.counts is not None,
                CHECK=bool(self.call.check_values),
                WIDE=self.constants["WIDE"],
                **block(self.num_classes),
            )
            first += part.shape[0]

    def score(self, start: int, scores: Tensor, check: bool) -> None:
        """Products of the rows of a chunk, less their largest logit, with the candidates."""
        count = scores.shape[0]
        centred = torch.empty(count, self.num_classes, dtype=self.sums, device=self.logits.device)
        launch(
            centre_rows,
            count,
            self.logits.device,
            (
                self.logits,
                self.logits.stride(0),
                self.temperature,
                centred,
                flags.words(self.logits.device),
                start,
                self.num_classes,
                self.call.temperature,
            ),
            CHECK=check,
            **self.constants,
            **block(self.num_classes),
        )
        first = 0
        with torch.no_grad(), torch.autocast(self.logits.device.type, enabled=False):
            for part in self.wide_parts():
                torch.mm(centred, part.T, out=scores[:, first : first + part.shape[0]])
                first += part.shape[0]

    def softmax(self, start: int, scores: Tensor, losses: Tensor, floats: Tensor, loss: bool, gradient: bool) -> None:
        """The losses of a chunk, and its scores replaced by the gradient with respect to them."""
        call = self.call
        launch(
            softmax_rows,
            scores.shape[0],
            self.logits.device,
            (
                scores,
                self.positives,
                self.row_weights,
                self.temperature,
                losses,
                floats,
                flags.words(self.logits.device),
                start,
                call.offset,
                self.layout.numbers,
                self.layout.inverses,
                self.rows,
                self.candidates,
                call.temperature,
                call.scale,
            ),
            NOISE=call.noise is not None,
            COUNTS=self.counts is not None,
            POSITIVES=call.positives is not None,
            ROW_WEIGHTS=call.row_weights is not None,
            BY_ROW=call.reduction == "none",
            CHECK=bool(call.check_values),
            LOSS=loss,
            GRADIENT=gradient,
            **self.constants,
            **block(self.candidates),
        )

    def multiply(self, start: int, scores: Tensor, gradient: Tensor) -> Tensor:
        """Products of the gradient with respect to the scores with the candidates, ``[n, d]``."""
        count = scores.shape[0]
        if gradient.dtype == self.sums:
            products = gradient[start : start + count]
        else:
            products = torch.empty(count, self.num_classes, dtype=self.sums, device=gradient.device)
        first = 0
        with torch.no_grad(), torch.autocast(self.logits.device.type, enabled=False):
            for part in self.wide_parts():
                factors = scores[:, first : first + part.shape[0]]
                if first == 0:
                    torch.mm(factors, part, out=products)
                else:
                    products.addmm_(factors, part)
                first += part.shape[0]
        return products

    def wide_parts(self) -> List[Tensor]:
        """The candidates in the type of the sums; a copy where they have another."""
        if not self.converted:
            self.converted = [part.to(self.sums) for part in self.parts]
        return self.converted
