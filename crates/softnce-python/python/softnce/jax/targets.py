"""Compact targets as a pytree: a few weighted classes per row, the rest spread evenly."""

from __future__ import annotations

from typing import Any, Optional, Tuple, Union

import jax
import jax.numpy as jnp
import numpy as np

from softnce._settings import integer, number, share
from softnce.jax._arrays import Array, as_array, as_floats, as_integers
from softnce.numpy import MixedTargets as NumpyTargets
from softnce.numpy._checks import shape_error
from softnce.numpy._memory import simplex_tolerance

__all__ = ["MixedTargets"]


@jax.tree_util.register_pytree_node_class
class MixedTargets:
    """M label distributions over ``num_classes`` classes: K weighted classes per row, the rest spread evenly.

    Row j is ``uniform_j / num_classes + sum_k weights[j, k] onehot(classes[j, k])``. MixUp and CutMix with label
    smoothing have this form with two classes. The losses then cost a gather instead of a matrix product, and a target
    takes a few numbers instead of one for each class.

    ``MixedTargets(classes, weights, num_classes, smoothing)`` takes weights that sum to 1 and smooths them. The
    constructors ``hard``, ``smoothed``, ``mixed``, ``top_k``, ``compact`` and ``from_numpy`` cover the usual sources;
    they also work under ``jax.jit``. Values are checked when a loss reads them.

    The targets are a pytree, so they may be an argument of a function under ``jax.jit`` or ``jax.vmap``. Its leaves are
    ``classes``, ``weights`` and, if it is an array, ``uniform``. ``num_classes`` and a ``uniform`` that is a float are
    static: another value compiles the function again.

    Attributes:
        classes: ``[M, K]``, integers.
        weights: ``[M, K]``, floats; they sum to ``1 - uniform``.
        uniform: the share spread evenly over all classes: a float for all rows, or an array ``[]`` or ``[M]``.
        num_classes: the number of classes d.

    Raises:
        ValueError: shapes or settings do not match; the message names the argument.
        TypeError: a type is not supported.
    """

    classes: Array
    weights: Array
    uniform: Union[float, Array]
    num_classes: int

    def __init__(self, classes: Any, weights: Any, num_classes: int, smoothing: Union[float, Array] = 0.0) -> None:
        weights = as_floats("weights", weights)
        coarse = simplex_tolerance(np.dtype(weights.dtype))
        if isinstance(smoothing, (jax.Array, np.ndarray)):
            part = as_floats("smoothing", smoothing)
            kept = 1.0 - (part[:, None] if part.ndim == 1 else part)
        else:
            part = share("smoothing", smoothing)
            kept = 1.0 - part
        self._set(part, as_integers("classes", classes), weights, num_classes, "smoothing")
        if isinstance(part, jax.Array) and weights.dtype.itemsize < 4:
            # In half precision they sum to 1 only roughly, which the wider result would not show.
            weights = weights.astype(jnp.float32)
            total = weights.sum(1, keepdims=True)
            weights = jnp.where(jnp.abs(total - 1) <= coarse, weights / total, weights)
        self.weights = weights * kept

    def _set(
        self, uniform: Union[float, Array], classes: Array, weights: Array, num_classes: int, name: str = "uniform"
    ) -> MixedTargets:
        if classes.ndim != 2:
            raise shape_error("classes", classes, "[M, K]")
        if weights.shape != classes.shape:
            raise shape_error("weights", weights, f"{list(classes.shape)}, as classes")
        if not isinstance(uniform, float) and uniform.shape not in ((), classes.shape[:1]):
            raise shape_error(name, uniform, f"[] or [{len(classes)}], one for each row of classes")
        self.classes, self.weights, self.uniform = classes, weights, uniform
        self.num_classes = integer("num_classes", num_classes)
        return self

    @classmethod
    def compact(cls, uniform: Union[float, Array], classes: Any, weights: Any, num_classes: int) -> MixedTargets:
        """From the stored values: ``uniform`` a float, ``[]`` or ``[M]``, ``classes`` and ``weights`` ``[M, K]``.

        A weight may be negative if the probability of its class is below the uniform share.
        """
        array = isinstance(uniform, (jax.Array, np.ndarray))
        part = as_floats("uniform", uniform) if array else number("uniform", uniform)
        return cls.__new__(cls)._set(part, as_integers("classes", classes), as_floats("weights", weights), num_classes)

    @classmethod
    def hard(cls, labels: Any, num_classes: int) -> MixedTargets:
        """Class labels ``[M]``: each row has all its weight on one class."""
        return cls.smoothed(labels, num_classes, 0.0)

    @classmethod
    def smoothed(cls, labels: Any, num_classes: int, smoothing: Union[float, Array]) -> MixedTargets:
        """Labels ``[M]`` with label smoothing. Equal in all rows, it is a temperature in soft target InfoNCE."""
        labels = as_integers("labels", labels)
        if labels.ndim != 1:
            raise shape_error("labels", labels, "[M]")
        return cls(labels[:, None], jnp.ones((len(labels), 1)), num_classes, smoothing)

    @classmethod
    def mixed(
        cls, first: Any, second: Any, lam: Any, num_classes: int, smoothing: Union[float, Array] = 0.0
    ) -> MixedTargets:
        """MixUp or CutMix: the share ``lam`` for class ``first``, the rest for class ``second``; all ``[M]``.

        Give every row its own ``lam``. With one for the whole batch, and that batch as the only candidates, the loss
        may have no finite optimum.
        """
        first, second = as_integers("first", first), as_integers("second", second)
        lam = as_floats("lam", lam)
        if first.ndim != 1:
            raise shape_error("first", first, "[M]")
        lam = jnp.broadcast_to(lam, first.shape) if lam.ndim == 0 else lam
        for argument, array in (("second", second), ("lam", lam)):
            if array.shape != first.shape:
                raise shape_error(argument, array, f"{list(first.shape)}, as first")
        return cls(jnp.stack((first, second), 1), jnp.stack((lam, 1.0 - lam), 1), num_classes, smoothing)

    @classmethod
    def top_k(cls, classes: Any, probabilities: Any, num_classes: int) -> MixedTargets:
        """The K most probable classes of a teacher for each row; the rest is spread over the other classes.

        ``classes``, ``probabilities``: ``[M, K]``, as ``jax.lax.top_k`` gives them; K below ``num_classes``. A sum
        above 1 is an error of the loss, because values under ``jax.jit`` cannot be checked here.
        """
        classes, num_classes = as_integers("classes", classes), integer("num_classes", num_classes)
        listed = as_floats("probabilities", probabilities)
        if classes.ndim != 2 or classes.shape[1] >= num_classes:
            raise shape_error("classes", classes, f"[M, K] with K below {num_classes}")
        if listed.shape != classes.shape:
            raise shape_error("probabilities", listed, f"{list(classes.shape)}, as classes")
        listed = listed.astype(jnp.promote_types(listed.dtype, jnp.float32))
        rest = jnp.maximum(1.0 - listed.sum(1), 0.0) / (num_classes - classes.shape[1])
        return cls.compact(rest * num_classes, classes, listed - rest[:, None], num_classes)

    @classmethod
    def from_numpy(cls, targets: NumpyTargets) -> MixedTargets:
        """From the compact targets of ``softnce.numpy``."""
        if not isinstance(targets, NumpyTargets):
            expected = "expected softnce.numpy.MixedTargets"
            raise TypeError(f"targets is of type {type(targets).__name__}, {expected}")
        return cls.compact(targets.uniform, targets.classes, targets.weights, targets.num_classes)

    def to_numpy(self) -> NumpyTargets:
        """The compact targets of ``softnce.numpy``. Not possible under ``jax.jit``, where there are no values."""
        uniform = self.uniform if isinstance(self.uniform, float) else np.asarray(self.uniform)
        return NumpyTargets.compact(uniform, np.asarray(self.classes), np.asarray(self.weights), self.num_classes)

    def tree_flatten(self) -> Tuple[Any, Tuple[int, Optional[float]]]:
        """The leaves and the static part, for JAX."""
        fixed = self.uniform if isinstance(self.uniform, float) else None
        return (self.classes, self.weights, None if fixed is not None else self.uniform), (self.num_classes, fixed)

    @classmethod
    def tree_unflatten(cls, static: Tuple[int, Optional[float]], leaves: Any) -> MixedTargets:
        """The inverse of :func:`tree_flatten`. The leaves are not checked, because JAX also passes other objects."""
        made = cls.__new__(cls)
        made.num_classes, fixed = static
        made.classes, made.weights, made.uniform = leaves
        if fixed is not None:
            made.uniform = fixed
        return made

    def __len__(self) -> int:
        return int(self.classes.shape[0])

    def __getitem__(self, rows: Any) -> MixedTargets:
        """Selects rows by an integer (the result has one row), a slice, indices or a mask."""
        if isinstance(rows, tuple):
            raise IndexError(f"rows is {rows!r}, expected an integer, a slice, indices or a mask")
        if isinstance(rows, (int, np.integer)) and not -len(self) <= rows < len(self):
            raise IndexError(f"rows is {rows}, expected a row of {len(self)}")
        if not isinstance(rows, slice):
            rows = jnp.atleast_1d(as_array("rows", rows))
        by_row = not isinstance(self.uniform, float) and self.uniform.ndim == 1
        uniform = self.uniform[rows] if by_row else self.uniform  # type: ignore[index]
        return type(self).compact(uniform, self.classes[rows], self.weights[rows], self.num_classes)

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in ("classes", "weights", "uniform"))
        return f"MixedTargets({fields}, num_classes={self.num_classes})"

    @property
    def shape(self) -> Tuple[int, int]:
        """``(M, num_classes)``, the shape of the dense targets."""
        return len(self), self.num_classes

    def dense(self, dtype: Any = jnp.float32) -> Array:
        """The dense targets, ``[M, d]``. Values are not checked."""
        uniform = jnp.broadcast_to(jnp.asarray(self.uniform, self.weights.dtype), (len(self),))
        floor = jnp.repeat(uniform[:, None] / self.num_classes, self.num_classes, 1)
        out = floor.at[jnp.arange(len(self))[:, None], self.classes].add(self.weights)
        return jnp.maximum(out, 0.0).astype(dtype)
