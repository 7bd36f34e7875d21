"""Compact targets: a few weighted classes per row, the rest spread evenly."""

from __future__ import annotations

import operator
from typing import Any, Iterator, Sequence, Tuple, Union

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from softnce import _native
from softnce._settings import integer, number, share
from softnce.numpy._checks import (
    as_array,
    as_doubles,
    as_floats,
    as_labels,
    as_matrix,
    shape_error,
)
from softnce.numpy._memory import simplex_tolerance, view, wide

__all__ = ["MixedTargets"]


class MixedTargets:
    """M label distributions over ``num_classes`` classes: K weighted classes per row, the rest spread evenly.

    Row j is ``uniform_j / num_classes + sum_k weights[j, k] onehot(classes[j, k])``. MixUp and CutMix with label
    smoothing have this form with two classes. The losses then cost a gather instead of a matrix product, and a target
    takes a few numbers instead of one for each class.

    ``MixedTargets(classes, weights, num_classes, smoothing)`` takes weights that sum to 1 and smooths them. The
    constructors ``hard``, ``smoothed``, ``mixed``, ``top_k``, ``compact`` and ``from_dense`` cover the usual sources.
    Values are checked when a loss reads them.

    Attributes:
        classes: ``[M, K]``, integers.
        weights: ``[M, K]``, floats; they sum to ``1 - uniform``.
        uniform: the share spread evenly over all classes: a float for all rows, or an array ``[M]``.
        num_classes: the number of classes d.

    Raises:
        ValueError: shapes or values do not match; the message names the argument.
        TypeError: a type is not supported.
    """

    classes: NDArray[Any]
    weights: NDArray[Any]
    uniform: Union[float, NDArray[Any]]
    num_classes: int

    def __init__(
        self, classes: ArrayLike, weights: ArrayLike, num_classes: int, smoothing: Union[float, ArrayLike] = 0.0
    ) -> None:
        classes, weights = as_labels("classes", classes), as_doubles("weights", weights)
        _check_rows(classes, weights)
        if np.ndim(smoothing) == 0:
            part: Any = share("smoothing", smoothing)
            kept = 1.0 - part
        else:
            part = as_doubles("smoothing", smoothing)
            if part.shape != classes.shape[:1]:
                raise shape_error("smoothing", part, f"[{len(classes)}], one for each row of classes")
            kept = 1.0 - part[:, None]
        self._set(part, classes, weights * kept, num_classes)

    def _set(
        self, uniform: Union[float, NDArray[Any]], classes: NDArray[Any], weights: NDArray[Any], num_classes: int
    ) -> MixedTargets:
        _check_rows(classes, weights)
        if isinstance(uniform, np.ndarray) and uniform.shape != classes.shape[:1]:
            raise shape_error("uniform", uniform, f"[{len(classes)}], one for each row of classes")
        self.classes, self.weights, self.uniform = classes, weights, uniform
        self.num_classes = integer("num_classes", num_classes)
        return self

    @classmethod
    def compact(
        cls, uniform: Union[float, ArrayLike], classes: ArrayLike, weights: ArrayLike, num_classes: int
    ) -> MixedTargets:
        """From the stored values: ``uniform`` a float or ``[M]``, ``classes`` and ``weights`` ``[M, K]``.

        A weight may be negative if the probability of its class is below the uniform share.
        """
        part = number("uniform", uniform) if np.ndim(uniform) == 0 else as_doubles("uniform", uniform)
        weights = weights if isinstance(weights, np.ndarray) else as_doubles("weights", weights)
        return cls.__new__(cls)._set(part, as_labels("classes", classes), weights, num_classes)

    @classmethod
    def hard(cls, labels: ArrayLike, num_classes: int) -> MixedTargets:
        """Class labels ``[M]``: each row has all its weight on one class."""
        return cls.smoothed(labels, num_classes, 0.0)

    @classmethod
    def smoothed(cls, labels: ArrayLike, num_classes: int, smoothing: float) -> MixedTargets:
        """Labels ``[M]`` with label smoothing. Equal in all rows, it is a temperature in soft target InfoNCE."""
        labels = as_labels("labels", labels)
        if labels.ndim != 1:
            raise shape_error("labels", labels, "[M]")
        return cls(labels[:, None], np.ones((len(labels), 1)), num_classes, smoothing)

    @classmethod
    def mixed(
        cls, first: ArrayLike, second: ArrayLike, lam: ArrayLike, num_classes: int, smoothing: float = 0.0
    ) -> MixedTargets:
        """MixUp or CutMix: the share ``lam`` for class ``first``, the rest for class ``second``; all ``[M]``.

        Give every row its own ``lam``. With one for the whole batch, and that batch as the only candidates, the loss
        may have no finite optimum.
        """
        first, second, lam = as_labels("first", first), as_labels("second", second), as_doubles("lam", lam)
        if first.ndim != 1:
            raise shape_error("first", first, "[M]")
        lam = np.broadcast_to(lam, first.shape) if lam.ndim == 0 else lam
        for argument, array in (("second", second), ("lam", lam)):
            if array.shape != first.shape:
                raise shape_error(argument, array, f"{list(first.shape)}, as first")
        classes = np.stack((first.astype(np.int64), second.astype(np.int64)), 1)
        return cls(classes, np.stack((lam, 1.0 - lam), 1), num_classes, smoothing)

    @classmethod
    def top_k(cls, classes: ArrayLike, probabilities: ArrayLike, num_classes: int) -> MixedTargets:
        """The K most probable classes of a teacher for each row; the rest is spread over the other classes.

        ``classes``, ``probabilities``: ``[M, K]``; K below ``num_classes``.
        """
        classes, given = as_labels("classes", classes), as_array("probabilities", probabilities)
        listed, num_classes = as_doubles("probabilities", given), integer("num_classes", num_classes)
        if classes.ndim != 2 or classes.shape[1] >= num_classes:
            raise shape_error("classes", classes, f"[M, K] with K below {num_classes}")
        if listed.shape != classes.shape:
            raise shape_error("probabilities", listed, f"{list(classes.shape)}, as classes")
        total = listed.sum(1)
        over = total > 1.0 + simplex_tolerance(given.dtype)
        if over.any():
            row = int(over.argmax())
            raise ValueError(f"probabilities[{row}] has a sum of {total[row]}, expected at most 1")
        # If rounding makes the sum larger than 1, nothing is left to spread.
        listed = listed / np.maximum(total, 1.0)[:, None]
        rest = np.maximum(1.0 - listed.sum(1), 0.0) / (num_classes - classes.shape[1])
        return cls.compact(rest * num_classes, classes, listed - rest[:, None], num_classes)

    @classmethod
    def from_dense(cls, probabilities: ArrayLike) -> MixedTargets:
        """From dense probabilities ``[M, d]`` in which all but at most three classes of a row share one value (MixUp).

        Raises:
            ValueError: more than three classes of a row differ from the shared value, or a row is not a distribution.
        """
        rows = as_matrix("probabilities", probabilities, "[M, d]", "floats")
        classes, weights = np.empty((len(rows), 3), np.int64), np.empty((len(rows), 3))
        uniform = np.empty(len(rows))
        terms = _native.recognise(view(rows), view(classes), view(weights), view(uniform))
        if terms is None:
            message = "more than three classes differ from the value of all others"
            raise ValueError(f"probabilities has rows in which {message}, expected at most three")
        # Shares that differ only by rounding are taken as equal, because only equal shares cancel.
        low, high = float(uniform.min()), float(uniform.max())
        one = high - low <= np.finfo(wide(rows.dtype)).eps
        return cls.compact((low + high) / 2 if one else uniform, classes[:, :terms], weights[:, :terms], rows.shape[1])

    @classmethod
    def cat(cls, parts: Sequence[MixedTargets]) -> MixedTargets:
        """Concatenates the rows of several targets."""
        if not parts:
            raise ValueError("parts is empty, expected at least one")
        first = parts[0]
        for part in parts:
            if part.num_classes != first.num_classes:
                found = f"{first.num_classes} and {part.num_classes} classes"
                raise ValueError(f"parts have {found}, expected the same number")
        terms = max(part.classes.shape[1] for part in parts)
        classes = np.concatenate([_pad(part.classes.astype(np.int64), terms) for part in parts])
        weights = np.concatenate([_pad(part.weights, terms) for part in parts])
        uniform: Union[float, NDArray[Any]] = first.uniform
        if any(isinstance(part.uniform, np.ndarray) or part.uniform != uniform for part in parts):
            uniform = np.concatenate([part.uniform_rows() for part in parts])
        return cls.compact(uniform, classes, weights, first.num_classes)

    def __len__(self) -> int:
        return len(self.classes)

    def __iter__(self) -> Iterator[MixedTargets]:
        """Each row, as targets of one row."""
        return (self[row] for row in range(len(self)))

    def __getitem__(self, rows: Any) -> MixedTargets:
        """Selects rows by an integer of any type (the result has one row), a slice, indices or a mask."""
        if not isinstance(rows, slice) and np.ndim(rows) == 0:
            rows = [operator.index(rows)]
        uniform = self.uniform[rows] if isinstance(self.uniform, np.ndarray) else self.uniform
        return type(self).compact(uniform, self.classes[rows], self.weights[rows], self.num_classes)

    def __repr__(self) -> str:
        uniform = list(self.uniform.shape) if isinstance(self.uniform, np.ndarray) else self.uniform
        shape = f"rows={len(self)}, terms={self.classes.shape[1]}, num_classes={self.num_classes}"
        return f"MixedTargets({shape}, uniform={uniform})"

    @property
    def shape(self) -> Tuple[int, int]:
        """``(M, num_classes)``, the shape of the dense targets."""
        return len(self), self.num_classes

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the weights."""
        return self.weights.dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions of the dense targets, 2."""
        return 2

    def argmax(self, axis: int = -1) -> NDArray[np.int64]:
        """The most probable class of each row, ``[M]``; the first of several."""
        if axis not in (1, -1):
            raise ValueError(f"axis is {axis!r}, expected 1 or -1, the classes")
        listed = self.classes.astype(np.int64)
        # If no listed class has more than the uniform share, an unlisted class is among the first K + 1.
        others = np.arange(min(listed.shape[1] + 1, self.num_classes))
        classes = np.concatenate((listed, np.broadcast_to(others, (len(self), len(others)))), 1)
        # A row may list a class twice.
        equal = classes[:, :, None] == listed[:, None, :]
        weights = (equal * self.weights.astype(np.float64)[:, None, :]).sum(2)
        best = weights == weights.max(1, keepdims=True)
        return np.where(best, classes, self.num_classes).min(1)

    def uniform_rows(self) -> NDArray[Any]:
        """The uniform share of each row, ``[M]``."""
        if isinstance(self.uniform, np.ndarray):
            return self.uniform
        return np.full(len(self), self.uniform)

    def dense(self, dtype: DTypeLike = np.float32) -> NDArray[Any]:
        """The dense targets, ``[M, d]``.

        Raises:
            IndexError: a class is out of range.
        """
        bad = np.argwhere((self.classes < 0) | (self.classes >= self.num_classes))
        if len(bad):
            # Checked here, because NumPy would count a negative index from the end.
            row, term = bad[0]
            found = f"classes[{row}] is {self.classes[row, term]}"
            raise IndexError(f"{found}, expected a class from 0 to {self.num_classes - 1}")
        out = np.repeat(self.uniform_rows()[:, None] / self.num_classes, self.num_classes, axis=1)
        np.add.at(out, (np.arange(len(self))[:, None], self.classes), self.weights.astype(out.dtype))
        return np.maximum(out, 0.0).astype(dtype)


def _check_rows(classes: NDArray[Any], weights: NDArray[Any]) -> None:
    if classes.ndim != 2:
        raise shape_error("classes", classes, "[M, K]")
    if weights.shape != classes.shape:
        raise shape_error("weights", weights, f"{list(classes.shape)}, as classes")
    as_floats("weights", weights, "floats")


def _pad(values: NDArray[Any], terms: int) -> NDArray[Any]:
    """Pads rows with class 0 and weight 0."""
    return np.pad(values, ((0, 0), (0, terms - values.shape[1])))
