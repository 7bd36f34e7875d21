"""Compact targets, with a few classes per row: labels, smoothing, MixUp, CutMix, the top k of a teacher."""

from __future__ import annotations

import numbers
import operator
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, Mapping, Optional, Sequence, Tuple, Union

import torch
from torch import Tensor

from softnce import _native
from softnce._settings import integer, number, share
from softnce.torch._memory import FLOATS, WIDE, follow_threads, integers, resolved, signed, view
from softnce.torch._tracing import untraced

if TYPE_CHECKING:
    from softnce.numpy import MixedTargets as NumpyTargets

__all__ = ["MixedTargets"]


#: A sum of numbers in double precision this close to 1 is 1.
ROUNDING = 1e-14


def widest(device: torch.device) -> torch.dtype:
    """The widest float type of a device: MPS has no double precision."""
    return torch.float32 if device.type == "mps" else torch.float64


def _shape(argument: str, found: Any, expected: str) -> ValueError:
    return ValueError(f"{argument} has shape {list(found)}, expected {expected}")


def _labels(argument: str, labels: Any, device: Optional[torch.device] = None) -> Tensor:
    labels = torch.as_tensor(labels, device=device)
    if not integers(labels):
        raise TypeError(f"{argument} has dtype {labels.dtype}, expected integers")
    return labels


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
        uniform: the share spread evenly over all classes: a float for all rows, or a tensor ``[M]``.
        num_classes: the number of classes d.
    """

    classes: Tensor
    weights: Tensor
    uniform: Union[float, Tensor]
    num_classes: int

    def __init__(self, classes: Any, weights: Any, num_classes: int, smoothing: Union[float, Tensor] = 0.0) -> None:
        classes = _labels("classes", classes)
        weights = _floats("weights", weights, classes.device)
        if not isinstance(smoothing, (numbers.Real, str)) and torch.as_tensor(smoothing).dim() > 0:
            smoothing = torch.as_tensor(smoothing)
            if weights.shape != classes.shape:
                raise _shape("weights", weights.shape, f"{list(classes.shape)}, as classes")
            if smoothing.shape != classes.shape[:1]:
                raise _shape("smoothing", smoothing.shape, f"[{classes.shape[0]}], one for each row of classes")
            smoothing = _floats("smoothing", smoothing, classes.device)
            weights = weights * (1.0 - smoothing[:, None])
        else:
            smoothing = share("smoothing", smoothing)
            weights = weights * (1.0 - smoothing)
        self._set(smoothing, classes, weights, num_classes)

    def _set(self, uniform: Union[float, Tensor], classes: Tensor, weights: Tensor, num_classes: int) -> MixedTargets:
        if classes.dim() != 2:
            raise _shape("classes", classes.shape, "[M, K]")
        if weights.shape != classes.shape:
            raise _shape("weights", weights.shape, f"{list(classes.shape)}, as classes")
        uniform = _uniform(uniform, classes)
        for argument, tensor in (("weights", weights), ("uniform", uniform)):
            if isinstance(tensor, Tensor):
                if tensor.dtype not in FLOATS:
                    raise TypeError(f"{argument} has dtype {tensor.dtype}, expected floats")
                if tensor.device != classes.device:
                    raise ValueError(f"{argument} is on {tensor.device}, expected {classes.device}, as classes")
        weights = resolved(weights.detach())
        classes, num_classes = signed(classes), integer("num_classes", num_classes)
        self.classes, self.weights, self.uniform, self.num_classes = classes, weights, uniform, num_classes
        return self

    @classmethod
    def compact(cls, uniform: Union[float, Tensor], classes: Any, weights: Any, num_classes: int) -> MixedTargets:
        """From the stored values: ``uniform`` a float or ``[M]``, ``classes`` and ``weights`` ``[M, K]``.

        A weight may be negative if the probability of its class is below the uniform share.
        """
        classes = _labels("classes", classes)
        weights = weights if isinstance(weights, Tensor) else _floats("weights", weights, classes.device)
        return cls.__new__(cls)._set(uniform, classes, weights, num_classes)

    @classmethod
    def hard(cls, labels: Any, num_classes: int) -> MixedTargets:
        """Class labels ``[M]``: each row has all its weight on one class."""
        return cls.smoothed(labels, num_classes, 0.0)

    @classmethod
    def smoothed(cls, labels: Any, num_classes: int, smoothing: float) -> MixedTargets:
        """Labels ``[M]`` with label smoothing. Equal in all rows, it is a temperature in soft target InfoNCE."""
        labels = _labels("labels", labels)
        if labels.dim() != 1:
            raise _shape("labels", labels.shape, "[M]")
        ones = torch.ones(labels.shape[0], 1, dtype=widest(labels.device), device=labels.device)
        return cls(labels[:, None], ones, num_classes, smoothing)

    @classmethod
    def mixed(cls, first: Any, second: Any, lam: Any, num_classes: int, smoothing: float = 0.0) -> MixedTargets:
        """MixUp or CutMix: the share ``lam`` for class ``first``, the rest for class ``second``; all ``[M]``.

        Give every row its own ``lam``. With one for the whole batch, and that batch as the only candidates, the loss
        may have no finite optimum.
        """
        first = _labels("first", first)
        second = _labels("second", second, first.device)
        if first.dim() != 1:
            raise _shape("first", first.shape, "[M]")
        lam = _floats("lam", lam, first.device)
        lam = lam.expand(first.shape[0]) if lam.dim() == 0 else lam
        for argument, tensor in (("second", second), ("lam", lam)):
            if tensor.shape != first.shape:
                raise _shape(argument, tensor.shape, f"{list(first.shape)}, as first")
        classes = torch.stack((first.long(), second.long()), 1)
        return cls(classes, torch.stack((lam, 1.0 - lam), 1), num_classes, smoothing)

    @classmethod
    def top_k(cls, classes: Any, probabilities: Any, num_classes: int) -> MixedTargets:
        """The K most probable classes of a teacher for each row; the rest is spread over the other classes.

        ``classes``, ``probabilities``: ``[M, K]``, as ``torch.topk`` gives them; K below ``num_classes``.
        """
        classes, num_classes = _labels("classes", classes), integer("num_classes", num_classes)
        if classes.dim() != 2 or classes.shape[1] >= num_classes:
            raise _shape("classes", classes.shape, f"[M, K] with K below {num_classes}")
        probabilities = torch.as_tensor(probabilities)
        largest = 1.0 + simplex_tolerance(probabilities.dtype)
        probabilities = _floats("probabilities", probabilities, classes.device)
        if probabilities.shape != classes.shape:
            raise _shape("probabilities", probabilities.shape, f"{list(classes.shape)}, as classes")
        total = probabilities.sum(1)
        if bool((total > largest).any()):
            row = int((total > largest).nonzero()[0])
            raise ValueError(f"probabilities[{row}] has a sum of {float(total[row])}, expected at most 1")
        # If rounding makes the sum larger than 1, nothing is left to spread.
        probabilities = probabilities / total.clamp(min=1.0)[:, None]
        rest = (1.0 - probabilities.sum(1)).clamp(min=0.0) / (num_classes - classes.shape[1])
        return cls.compact(rest * num_classes, classes, probabilities - rest[:, None], num_classes)

    @classmethod
    def from_dense(cls, probabilities: Tensor) -> MixedTargets:
        """From dense probabilities ``[M, d]`` in which all but at most three classes of a row share one value (MixUp).

        Raises:
            ValueError: more than three classes of a row differ from the shared value, or a row is not a distribution.
        """
        found = recognise(probabilities)
        if found is None:
            message = "more than three classes differ from the value of all others"
            raise ValueError(f"probabilities has rows in which {message}, expected at most three")
        return found

    @classmethod
    def cat(cls, parts: Sequence[MixedTargets]) -> MixedTargets:
        """Concatenates the rows of several targets."""
        if not parts:
            raise ValueError("parts is empty, expected at least one")
        first = parts[0]
        for part in parts:
            if part.num_classes != first.num_classes:
                raise ValueError(
                    f"parts have {first.num_classes} and {part.num_classes} classes, expected the same number"
                )
        terms = max(part.classes.shape[1] for part in parts)
        classes = torch.cat([_pad(part.classes.long(), terms) for part in parts])
        weights = torch.cat([_pad(part.weights, terms) for part in parts])
        uniform: Union[float, Tensor]
        shares = {part.uniform for part in parts if not isinstance(part.uniform, Tensor)}
        if len(shares) == 1 and not any(isinstance(part.uniform, Tensor) for part in parts):
            (uniform,) = shares
        else:
            uniform = torch.cat([part.uniform_rows() for part in parts])
        return cls.compact(uniform, classes, weights, first.num_classes)

    def __len__(self) -> int:
        return int(self.classes.shape[0])

    def __iter__(self) -> Iterator[MixedTargets]:
        """Each row, as targets of one row."""
        return (self[row] for row in range(len(self)))

    def __getitem__(self, rows: Any) -> MixedTargets:
        """Selects rows by an integer of any type (the result has one row), a slice, indices or a mask."""
        rows = _selection(rows, len(self))
        return self._each(lambda values: values[rows])

    def __repr__(self) -> str:
        uniform = list(self.uniform.shape) if isinstance(self.uniform, Tensor) else self.uniform
        shape = f"rows={len(self)}, terms={self.classes.shape[1]}, num_classes={self.num_classes}"
        return f"MixedTargets({shape}, uniform={uniform}, device={self.device})"

    @property
    def device(self) -> torch.device:
        """The device of the rows."""
        return self.classes.device

    @property
    def shape(self) -> torch.Size:
        """``[M, num_classes]``, the shape of the dense targets."""
        return torch.Size((len(self), self.num_classes))

    @property
    def dtype(self) -> torch.dtype:
        """The type of the weights."""
        return self.weights.dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions of the dense targets, 2."""
        return 2

    def dim(self) -> int:
        """The number of dimensions of the dense targets, 2."""
        return 2

    def size(self, dim: Optional[int] = None) -> Union[torch.Size, int]:
        """The shape of the dense targets, or one of its entries."""
        return self.shape if dim is None else self.shape[dim]

    def argmax(self, dim: int = -1) -> Tensor:
        """The most probable class of each row, ``[M]``; the first of several."""
        if dim not in (1, -1):
            raise ValueError(f"dim is {dim!r}, expected 1 or -1, the classes")
        listed = self.classes.long()
        # If no listed class has more than the uniform share, an unlisted class is among the first K + 1.
        count = min(listed.shape[1] + 1, self.num_classes)
        others = torch.arange(count, device=self.device).expand(len(self), count)
        classes = torch.cat((listed, others), 1)
        # A row may list a class twice.
        equal = classes[:, :, None] == listed[:, None, :]
        weights = (equal * self.weights[:, None, :]).sum(2)
        best = weights == weights.amax(1, keepdim=True)
        return classes.masked_fill(~best, self.num_classes).amin(1)

    def ne(self, label: int) -> Tensor:
        """Which rows are not marked as ignored with this negative label, ``[M]``: all, as no row can hold it.

        Libraries such as transformers count the labels of a batch with ``labels.ne(-100).sum()``.
        """
        if integer("label", label, None) >= 0:
            raise ValueError(f"label is {label}, expected a negative number: rows are compared with no class")
        return torch.ones(len(self), dtype=torch.bool, device=self.device)

    def _each(self, change: Callable[[Tensor], Tensor]) -> MixedTargets:
        """The targets with every tensor changed in the same way."""
        uniform = change(self.uniform) if isinstance(self.uniform, Tensor) else self.uniform
        return type(self).compact(uniform, change(self.classes), change(self.weights), self.num_classes)

    def uniform_rows(self) -> Tensor:
        """The uniform share of each row, ``[M]``."""
        if isinstance(self.uniform, Tensor):
            return self.uniform
        return torch.full((len(self),), self.uniform, dtype=self.weights.dtype, device=self.device)

    def to(self, *arguments: Any, **options: Any) -> MixedTargets:
        """The same rows on another device or with weights of another type, with the arguments of ``Tensor.to``.

        The weights stay in single precision at least: in half precision those of a row would no longer sum to 1.
        """
        device, dtype, non_blocking, _ = torch._C._nn._parse_to(*arguments, **options)
        place = self.device if device is None else device
        if not (dtype is None or dtype in FLOATS):
            raise TypeError(f"dtype is {dtype}, expected a float type")
        wide = widest(place)

        def move(values: Tensor) -> Tensor:
            kind = values.dtype
            if kind in FLOATS and dtype is not None:
                kind = torch.promote_types(dtype, torch.float32)
            kind = wide if kind == torch.float64 else kind
            # Converted first, because the device may not have the wider type.
            return values.to(kind).to(place, non_blocking=non_blocking)

        return self._each(move)

    def cpu(self) -> MixedTargets:
        """The same rows on the CPU."""
        return self.to("cpu")

    def cuda(self, device: Union[None, int, str, torch.device] = None, non_blocking: bool = False) -> MixedTargets:
        """The same rows on a CUDA device."""
        place = torch.device("cuda", device) if isinstance(device, int) else torch.device(device or "cuda")
        return self.to(place, non_blocking=non_blocking)

    def to_dict(self) -> Dict[str, Tensor]:
        """The rows as a dictionary of tensors with M rows each, for functions that take only tensors.

        ``MixedTargets.from_dict(accelerator.gather(targets.to_dict()))`` gathers the targets of all workers with the
        library accelerate, whose functions walk dictionaries.
        """
        count = torch.full((len(self),), self.num_classes, device=self.device)
        rows = self.uniform_rows()
        return {"classes": self.classes, "weights": self.weights, "uniform": rows, "num_classes": count}

    @classmethod
    def from_dict(cls, tensors: Mapping[str, Tensor]) -> MixedTargets:
        """From the dictionary that :meth:`to_dict` makes, with at least one row; waits for the device once."""
        missing = {"classes", "weights", "uniform", "num_classes"} - set(tensors)
        if missing or not tensors["num_classes"].numel():
            found = f"lacks {', '.join(sorted(missing))}" if missing else "has no rows"
            raise ValueError(f"tensors {found}, expected what to_dict makes, with at least one row")
        uniform = tensors["uniform"]
        low, high = (end.to(widest(uniform.device)) for end in torch.aminmax(uniform))
        first, last = (end.to(low.dtype) for end in torch.aminmax(tensors["num_classes"]))
        low, high, fewest, most = torch.stack((low, high, first, last)).tolist()
        if fewest != most:
            raise ValueError(f"tensors have rows over {int(fewest)} and {int(most)} classes, expected the same number")
        # One share for all rows is kept as a number, because equal shares cancel.
        return cls.compact(low if low == high else uniform, tensors["classes"], tensors["weights"], int(most))

    def numpy(self) -> NumpyTargets:
        """The same rows for ``softnce.numpy``; on the CPU they share memory."""
        from softnce.numpy import MixedTargets as Other

        def array(values: Tensor) -> Any:
            values = values.detach().cpu()
            # NumPy has no bfloat16.
            return (values.float() if values.dtype == torch.bfloat16 else values).numpy()

        uniform = array(self.uniform) if isinstance(self.uniform, Tensor) else self.uniform
        return Other.compact(uniform, array(self.classes), array(self.weights), self.num_classes)

    @classmethod
    def from_numpy(cls, targets: NumpyTargets) -> MixedTargets:
        """The rows of a ``softnce.numpy.MixedTargets``; they share memory where PyTorch can read it."""
        uniform = targets.uniform
        share = uniform if isinstance(uniform, numbers.Real) else torch.as_tensor(uniform)
        classes, weights = torch.as_tensor(targets.classes), torch.as_tensor(targets.weights)
        return cls.compact(share, classes, weights, targets.num_classes)

    def clone(self) -> MixedTargets:
        """A copy of the rows."""
        return self._each(Tensor.clone)

    def pin_memory(self) -> MixedTargets:
        """The same rows in page-locked memory; called by a data loader."""
        return self._each(Tensor.pin_memory)

    def dense(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """The dense targets, ``[M, d]``.

        Raises:
            IndexError: a class is out of range (checked only on the CPU).
        """
        if self.device.type == "cpu" and self.classes.numel() and not torch.compiler.is_compiling():
            low, high = (int(end) for end in torch.aminmax(self.classes.long()))
            if low < 0 or high >= self.num_classes:
                label = low if low < 0 else high
                raise IndexError(f"classes holds {label}, expected classes from 0 to {self.num_classes - 1}")
        wide = torch.promote_types(dtype, self.weights.dtype)
        if isinstance(self.uniform, Tensor):
            wide = torch.promote_types(wide, self.uniform.dtype)
        return written_out(self.uniform, self.classes, self.weights.to(wide), self.num_classes).to(dtype)

    def sample(self, generator: Optional[torch.Generator] = None) -> Tensor:
        """Draws a class from each row, ``[M]``: the labels of soft distribution InfoNCE."""
        if bool((self.weights < 0).any()):
            # A negative weight: the row is not a mixture of its classes and the uniform distribution.
            return torch.multinomial(self.dense(widest(self.device)), 1, generator=generator)[:, 0]
        shares = torch.cat((self.weights, self.uniform_rows()[:, None].to(self.weights.dtype)), 1)
        drawn = torch.multinomial(shares, 1, generator=generator)[:, 0]
        spread = torch.randint(self.num_classes, drawn.shape, generator=generator, device=self.device)
        classes = torch.cat((self.classes.long(), spread[:, None]), 1)
        return classes.gather(1, drawn[:, None])[:, 0]


def _selection(rows: Any, count: int) -> Any:
    """Rows in a form that a tensor can be indexed with and that keeps the first dimension."""
    if isinstance(rows, slice):
        # PyTorch has no negative steps.
        return list(range(count))[rows] if rows.step is not None and rows.step < 0 else rows
    if isinstance(rows, range):
        return list(rows)
    mask = isinstance(rows, bool) or getattr(rows, "dtype", None) in (torch.bool, "bool")
    try:
        return rows if mask or getattr(rows, "ndim", None) else [operator.index(rows)]
    except TypeError:
        return rows


def _uniform(uniform: Any, classes: Tensor) -> Union[float, Tensor]:
    """The uniform share: a float for all rows, or a tensor with one for each row."""
    if isinstance(uniform, Tensor) and uniform.dim() > 0:
        if uniform.shape != classes.shape[:1]:
            raise _shape("uniform", uniform.shape, f"[{classes.shape[0]}], one for each row of classes")
        return resolved(uniform.detach())
    one = number("uniform", uniform, "a number or a tensor [M]")
    if not one >= 0.0 or one == float("inf"):
        raise ValueError(f"uniform is {one}, expected a finite share not below 0")
    return one


def _pad(values: Tensor, terms: int) -> Tensor:
    """Pads rows with class 0 and weight 0."""
    return torch.nn.functional.pad(values, (0, terms - values.shape[1]))


def _floats(argument: str, values: Any, device: torch.device) -> Tensor:
    """Values in the widest float type of a device; converted before they are moved there."""
    values = torch.as_tensor(values)
    if values.is_complex() or values.dtype == torch.bool:
        raise TypeError(f"{argument} has dtype {values.dtype}, expected floats")
    return values.to(widest(device)).to(device)


@untraced
def recognise(probabilities: Tensor, exact: bool = False) -> Optional[MixedTargets]:
    """The rows in compact form, if all but at most three classes of every row share one value; else None.

    Shared values that differ only by the rounding of the rows' type are taken as equal, so that the uniform shares
    cancel. With ``exact``, half-precision rows must agree to single precision instead.
    """
    if probabilities.dim() != 2:
        raise _shape("probabilities", probabilities.shape, "[M, d]")
    if not probabilities.dtype.is_floating_point:
        raise TypeError(f"probabilities has dtype {probabilities.dtype}, expected floats")
    if probabilities.device.type == "cpu":
        return _recognise_here(resolved(probabilities.detach()), exact)
    return _recognise_there(probabilities, exact)


def _recognise_here(probabilities: Tensor, exact: bool = False) -> Optional[MixedTargets]:
    rows, num_classes = probabilities.shape
    follow_threads()
    classes = probabilities.new_empty(rows, 3, dtype=torch.int64)
    weights, uniform = classes.new_empty(rows, 3, dtype=WIDE), classes.new_empty(rows, dtype=WIDE)
    terms = _native.recognise(view(probabilities), view(classes), view(weights), view(uniform))
    if terms is None:
        return None
    low, high = (float(share) for share in torch.aminmax(uniform)) if rows else (0.0, 0.0)
    tolerance = _told_apart(probabilities.dtype, exact)
    return _equalised(low, high, tolerance, uniform, classes[:, :terms], weights[:, :terms], num_classes)


def _recognise_there(probabilities: Tensor, exact: bool = False) -> Optional[MixedTargets]:
    """The same with tensor operations; waits for the device once."""
    rows, num_classes = probabilities.shape
    if rows == 0 or num_classes == 0:
        return None
    wide = probabilities.to(widest(probabilities.device))
    floor = wide.amin(1)
    off = (wide != floor[:, None]).sum(1).amax()
    total = wide.sum(1)
    bad = ((total - 1).abs() > simplex_tolerance(probabilities.dtype)).any() | (floor < 0).any()
    least = floor / total
    answer = torch.stack((off.to(wide.dtype), bad.to(wide.dtype), least.amin(), least.amax())).tolist()
    terms = int(answer[0])
    if terms > 3 or answer[1] != 0.0:
        return None
    weights, classes = wide.topk(terms, 1)
    low, high = answer[2] * num_classes, answer[3] * num_classes
    weights = weights / total[:, None] - least[:, None]
    tolerance = _told_apart(probabilities.dtype, exact)
    return _equalised(low, high, tolerance, least * num_classes, classes, weights, num_classes)


def tensors_of(targets: Union[Tensor, MixedTargets]) -> Tuple[Tensor, ...]:
    """The tensors that hold targets."""
    if not isinstance(targets, MixedTargets):
        return (targets,)
    held = (targets.classes, targets.weights)
    return (*held, targets.uniform) if isinstance(targets.uniform, Tensor) else held


def simplex_tolerance(dtype: torch.dtype) -> float:
    """The largest allowed distance between the sum of a row and 1, as in the kernels."""
    return {torch.float16: 2e-3, torch.bfloat16: 2e-2}.get(dtype, 1e-4)


def written_out(uniform: Union[float, Tensor], classes: Tensor, weights: Tensor, num_classes: int) -> Tensor:
    """Compact rows as dense ones ``[M, d]``, in the type of the weights."""
    rows = classes.shape[0]
    if isinstance(uniform, Tensor):
        out = (uniform.to(weights.dtype) / num_classes)[:, None].repeat(1, num_classes)
    else:
        out = weights.new_full((rows, num_classes), uniform / num_classes)
    # Not in place, which vmap does not support for batched classes.
    return out.scatter_add(1, classes.long(), weights).clamp(min=0)


def normalised(uniform: Union[float, Tensor], weights: Tensor) -> Tuple[Union[float, Tensor], Tensor]:
    """Uniform shares and weights ``[M, K]`` of compact rows divided by their sum, if this is 1 up to a tolerance.

    One share for all rows stands and only the weights are scaled, so that equal shares cancel. Sums that are off by
    rounding alone are left, as in the kernels.
    """
    wide = weights.to(widest(weights.device))
    total = wide.sum(1, keepdim=True)
    given = uniform.to(wide.dtype)[:, None] if isinstance(uniform, Tensor) else uniform
    distance = (total + given - 1.0).abs()
    off = (distance > ROUNDING) & (distance <= simplex_tolerance(weights.dtype)) & (total != 0)
    if isinstance(given, Tensor):
        scale = torch.where(off, 1.0 / (total + given), 1.0)
        return (given * scale)[:, 0], wide * scale
    return given, wide * torch.where(off, (1.0 - given) / total, 1.0)


def _told_apart(dtype: torch.dtype, exact: bool) -> float:
    """The largest difference at which two uniform shares of this type are taken as equal."""
    return torch.finfo(torch.float32 if exact and dtype != torch.float64 else dtype).eps


def _equalised(
    low: float, high: float, tolerance: float, uniform: Tensor, classes: Tensor, weights: Tensor, num_classes: int
) -> MixedTargets:
    """Replaces uniform shares that are equal up to the tolerance by one share, because equal shares cancel."""
    if high - low > tolerance or high >= 1.0:
        return MixedTargets.compact(uniform, classes, weights, num_classes)
    middle = (low + high) / 2
    left = (1.0 - middle) / (1.0 - uniform)
    return MixedTargets.compact(middle, classes, weights * left[:, None], num_classes)


torch.serialization.add_safe_globals([MixedTargets])
