"""What the optimisers of rows share: which rows to change, where their state lies, and when they are caught up."""

from __future__ import annotations

import math
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

import torch
from torch import Tensor, nn

from softnce._settings import integer, number
from softnce._warnings import warn
from softnce.optim import _registry, _rounding
from softnce.torch import _distributed
from softnce.torch._call import wide
from softnce.torch._tracing import untraced

__all__ = ["RowOptimizer", "above_zero", "below_one", "check_decay", "not_negative"]

#: Values of rows that are worked on at once: a few copies of them fit the caches of a CPU.
_VALUES = {"cpu": 1 << 17}
_VALUES_ELSEWHERE = 1 << 24
_MOST_ROWS = 4096
_BEHIND = (
    "rows with a gradient were not brought up to date before they were read, so that the gradient is that of older "
    "rows: call optimizer.watch(module) for embeddings, or optimizer.catch_up(parameter, rows) before reading"
)


class RowOptimizer(torch.optim.Optimizer):
    """The part that all optimisers of rows share."""

    #: Settings of a group that must stay as they are, because steps are made up later.
    _fixed: Tuple[str, ...] = ()

    def __init__(
        self,
        params: Any,
        defaults: Dict[str, Any],
        state_dtype: Optional[torch.dtype],
        seed: int,
        process_group: Any,
    ) -> None:
        self._ledgers: Dict[Tensor, Any] = {}
        self._warned = False
        self.process_group = process_group
        super().__init__(params, {**defaults, "state_dtype": state_dtype, "seed": integer("seed", seed, None)})

    # What an optimiser defines.

    def _check(self, group: Dict[str, Any]) -> None:
        """Refuses settings out of their range."""
        raise NotImplementedError

    def _new_ledger(self, group: Dict[str, Any], device: torch.device) -> Any:
        """What is derived from the rates and decays of the steps."""
        raise NotImplementedError

    def _extend(self, ledger: Any, group: Dict[str, Any], steps: List[Tuple[float, float]]) -> None:
        """Adds steps, each with its rate and its decay."""
        raise NotImplementedError

    def _widths(self, group: Dict[str, Any], width: int) -> Dict[str, int]:
        """The names of the states, and the number of values of each for a row of a width."""
        raise NotImplementedError

    def _idle(
        self, ledger: Any, group: Dict[str, Any], last: Tensor, until: int, weights: Tensor, states: List[Tensor]
    ) -> None:
        """The steps without gradient after ``last`` ``[R]`` up to ``until``, in place on rows ``[R, D]``."""
        raise NotImplementedError

    def _update(
        self, group: Dict[str, Any], step: int, weights: Tensor, states: List[Tensor], gradient: Tensor
    ) -> None:
        """A step, in place on rows ``[R, D]`` that are up to date."""
        raise NotImplementedError

    def _rests(self, group: Dict[str, Any], state: Dict[str, Any]) -> bool:
        """Whether no step without gradient so far has changed anything."""
        return False

    # What users call.

    def add_param_group(self, param_group: Dict[str, Any]) -> None:
        """Adds a group of parameters with their settings, as ``torch.optim.Optimizer`` does."""
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        try:
            self._check(group)
            for parameter in group["params"]:
                _check_parameter(parameter, group["state_dtype"])
                self._check_free(parameter)
        except BaseException:
            self.param_groups.pop()
            raise
        for parameter in group["params"]:
            _registry.register(parameter, self)

    @torch.no_grad()
    def step(self, closure: Optional[Callable[[], Any]] = None) -> Any:  # type: ignore[override]
        """Makes a step with the gradients of the parameters that have one.

        Raises:
            TypeError: a gradient is not sparse by rows.
            ValueError: a setting is out of its range, or one that must stay the same has changed.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._step(group, parameter, parameter.grad)
        return loss

    @torch.no_grad()
    def catch_up(self, parameter: Optional[Tensor] = None, rows: Optional[Tensor] = None) -> None:
        """Brings rows up to date: all rows of all parameters, all of one parameter, or its ``rows`` ``[R]``.

        Rows are worked on in blocks, so that little memory is needed besides. Call it without arguments before an
        evaluation, before saving or copying the network, and before reading a parameter directly; in a group of
        processes on every process. Later steps are the same with or without it up to rounding.

        Raises:
            ValueError: the parameter is none of this optimiser, or rows come without a parameter.
            TypeError: the rows are not a tensor of integers.
            IndexError: a row is out of range.
        """
        if parameter is None:
            if rows is not None:
                raise ValueError("rows is given without the parameter that they are rows of")
            for group in self.param_groups:
                for each in group["params"]:
                    self._bring(group, each, None)
            return
        group = self._group_of(parameter)
        if rows is not None:
            rows = _numbers_of(rows).to(parameter.device)
            if rows.numel() and not (0 <= int(rows.min()) and int(rows.max()) < parameter.shape[0]):
                found = int(rows.min()) if int(rows.min()) < 0 else int(rows.max())
                raise IndexError(f"rows has row {found}, expected a row from 0 to {parameter.shape[0] - 1}")
        self._bring(group, parameter, rows)

    def watch(self, module: nn.Module) -> nn.Module:
        """Lets the embeddings in a module bring the rows that they read up to date, from now on; returns the module.

        It looks for ``torch.nn.Embedding`` and ``torch.nn.EmbeddingBag``. Copies of the module are not watched.

        Raises:
            ValueError: the module has no embedding whose weight is a parameter of this optimiser.
        """
        own = {id(parameter) for group in self.param_groups for parameter in group["params"]}
        kinds = (nn.Embedding, nn.EmbeddingBag)
        found = [part for part in module.modules() if isinstance(part, kinds) and id(part.weight) in own]
        if not found:
            message = "has no torch.nn.Embedding or EmbeddingBag whose weight this optimiser changes"
            raise ValueError(f"module is a {type(module).__name__} that {message}")
        for part in found:
            if _read not in part._forward_pre_hooks.values():
                part.register_forward_pre_hook(_read, with_kwargs=True)
        return module

    def load_state_dict(self, state_dict: Dict[str, Any]) -> None:
        """Loads what ``state_dict()`` returned, of an optimiser with the same parameters in the same order.

        Training then continues with the same bits, if the parameters are loaded as well.

        Raises:
            ValueError: it is the state of another kind of optimiser, or of parameters of other shapes.
        """
        self._check_state(state_dict)
        # PyTorch would convert integers and double precision to the type of the parameter.
        kept = state_dict["state"].items()
        held = {key: {name: _Held(name, value) for name, value in values.items()} for key, values in kept}
        super().load_state_dict({**state_dict, "state": held})

    def __setstate__(self, state: Dict[str, Any]) -> None:
        super().__setstate__(state)
        self._ledgers = {}
        if "_warned" not in self.__dict__:
            # A copy, or a pickled one.
            self._warned, self.process_group = False, None
        for group in self.param_groups:
            for parameter in group["params"]:
                kept = self.state.get(parameter, {})
                for name, value in kept.items():
                    if isinstance(value, _Held):
                        kept[name] = value.on(parameter.device)
                _registry.register(parameter, self)

    # What the parts share.

    def _check_state(self, state_dict: Dict[str, Any]) -> None:
        """Refuses a state of other parameters, before anything of it is taken over."""
        for group, given in zip(self.param_groups, state_dict["param_groups"]):
            for parameter, key in zip(group["params"], given["params"]):
                found, shape = state_dict["state"].get(key), list(parameter.shape)
                if not found:
                    continue
                rows, kind = parameter.shape[0], type(self).__name__
                names = ("step", "decayed", "steps", "fixed", "last")
                widths = self._widths({**group, **given}, _width(parameter))
                if sorted(found) != sorted((*names, *widths)):
                    message = f"expected that of a {kind}, {sorted((*names, *widths))}"
                    raise ValueError(f"state_dict has {sorted(found)} for a parameter of shape {shape}, {message}")
                for name, expected in (("last", [rows]), *((name, [rows, width]) for name, width in widths.items())):
                    if list(found[name].shape) != expected:
                        message = f"{list(found[name].shape)} for a parameter of shape {shape}, expected {expected}"
                        raise ValueError(f"state_dict has {name} of shape {message}")

    def _check_free(self, parameter: Tensor) -> None:
        other = _registry.optimizer_of(parameter)
        if other is not None and other is not self and other._is_behind(parameter):
            message = "has rows that another row optimiser has not brought up to date; call its catch_up() first"
            raise ValueError(f"params has a parameter of shape {list(parameter.shape)} that {message}")

    def _settings(self, group: Dict[str, Any]) -> List[Any]:
        """The settings that must stay as they are."""
        return _with_tuples([group[name] for name in self._fixed])

    def _check_settings(self, group: Dict[str, Any], state: Dict[str, Any]) -> None:
        for name, value, before in zip(self._fixed, self._settings(group), _with_tuples(state["fixed"])):
            if value != before:
                message = "the same in all steps, because rows make up the steps that they missed later"
                raise ValueError(f"{name} is {value} and was {before}, expected {message}")

    def _is_behind(self, parameter: Tensor) -> bool:
        state = self.state.get(parameter)
        if not state or self._rests(self._group_of(parameter), state):
            return False
        return bool(_behind(state, None).any())

    def _group_of(self, parameter: Tensor) -> Dict[str, Any]:
        for group in self.param_groups:
            if any(each is parameter for each in group["params"]):
                return group
        raise ValueError(f"parameter of shape {list(parameter.shape)} is none of this optimiser")

    def _state_of(self, group: Dict[str, Any], parameter: Tensor) -> Dict[str, Any]:
        state = self.state[parameter]
        if not state:
            rows, width = parameter.shape[0], _width(parameter)
            dtype = group["state_dtype"] or wide(parameter.dtype)
            state["step"] = 0
            #: Whether a step had weight decay.
            state["decayed"] = False
            #: Rate and decay of each step.
            state["steps"] = torch.zeros(0, 2, dtype=torch.float64)
            state["fixed"] = self._settings(group)
            state["last"] = torch.zeros(rows, dtype=torch.int32, device=parameter.device)
            for name, values in self._widths(group, width).items():
                state[name] = torch.zeros(rows, values, dtype=dtype, device=parameter.device)
        if state["last"].device != parameter.device:
            message = "make the optimiser after moving the parameters"
            raise ValueError(f"the state is on {state['last'].device}, expected {parameter.device}; {message}")
        return state

    def _ledger_of(self, group: Dict[str, Any], parameter: Tensor, state: Dict[str, Any]) -> Any:
        ledger = self._ledgers.get(parameter)
        if ledger is None:
            made = state["steps"][: state["step"]].tolist()
            # The first reader after a resume may be an evaluation in inference mode; later steps change the ledger.
            with torch.inference_mode(False), torch.no_grad():
                ledger = self._ledgers[parameter] = self._new_ledger(group, parameter.device)
                if made:
                    self._extend(ledger, group, [(rate, decay) for rate, decay in made])
        return ledger

    def _step(self, group: Dict[str, Any], parameter: Tensor, gradient: Tensor) -> None:
        shape = list(parameter.shape)
        if not gradient.is_sparse or gradient.sparse_dim() != 1:
            message = "expected a sparse gradient with one sparse dimension (sparse=True)"
            raise TypeError(f"the gradient of a parameter of shape {shape} is not sparse by rows, {message}")
        self._check(group)
        state = self._state_of(group, parameter)
        self._check_settings(group, state)
        sums = wide(gradient.dtype)
        if not gradient.is_coalesced() and gradient.dtype != sums:
            # In bf16 the sum over a row that occurs often would stand still.
            indices, values = gradient._indices(), gradient._values().to(sums)
            gradient = torch.sparse_coo_tensor(indices, values, gradient.shape, check_invariants=False)
        gradient = gradient.coalesce()
        rows, values = gradient.indices()[0], gradient.values()
        behind = self._bring(group, parameter, rows)
        if behind and not self._warned:
            self._warned = True
            warn([_BEHIND])
        ledger = self._ledger_of(group, parameter, state)
        rate, decay = float(group["lr"]), float(group["weight_decay"])
        step = state["step"]
        if step == len(state["steps"]):
            grown = torch.zeros(max(16, 2 * step), 2, dtype=torch.float64)
            grown[:step] = state["steps"]
            state["steps"] = grown
        state["steps"][step] = torch.tensor([rate, decay], dtype=torch.float64)
        self._extend(ledger, group, [(rate, decay)])
        state["step"] = step = step + 1
        state["decayed"] = state["decayed"] or decay > 0
        for part, given in self._parts(parameter, rows, values):
            weights, states = self._rows(group, parameter, state, part)
            self._update(group, step, weights, states, given.reshape(weights.shape).to(weights.dtype))
            self._write(group, parameter.detach(), state, part, weights, states, 2 * step + 1)
        state["last"].index_fill_(0, rows, step)

    def _bring(self, group: Dict[str, Any], parameter: Tensor, rows: Optional[Tensor]) -> bool:
        """Catches up rows, distinct or not; whether any of them was behind."""
        state = self.state.get(parameter)
        if not state or not state["step"] or self._rests(group, state):
            return False
        state, until = self._state_of(group, parameter), state["step"]
        self._check_settings(group, state)
        if rows is None:
            rows = _behind(state, None).nonzero()[:, 0]
        else:
            # A row in two blocks would be caught up twice.
            rows = rows[_behind(state, rows)].unique()
        if not rows.numel():
            return False
        ledger = self._ledger_of(group, parameter, state)
        for part, _ in self._parts(parameter, rows, None):
            weights, states = self._rows(group, parameter, state, part)
            self._idle(ledger, group, state["last"][part].long(), until, weights, states)
            # ``data``: autograd need not know. Rows that were read since the last step are up to date, so that this
            # changes nothing that a backward pass reads again.
            self._write(group, parameter.data, state, part, weights, states, 2 * until)
        state["last"].index_fill_(0, rows, until)
        return True

    def _before_reading(self, parameter: Tensor, rows: Optional[Tensor], shared: bool, training: bool) -> None:
        """Brings the rows up to date that the network is about to read, on all workers the same ones."""
        with torch.no_grad():
            group = self._group_of(parameter)
            state = self.state.get(parameter)
            if not state or not state["step"] or self._rests(group, state):
                return
            if rows is not None:
                rows = _flat(rows)
                # The network names a bad row itself.
                rows = rows[(rows >= 0) & (rows < parameter.shape[0])]
            name = _distributed.group_name(self.process_group)
            if name and not shared:
                # An evaluation, or a call that reads all rows, may happen on one worker only.
                if (rows is None or not training) and bool(_behind(state, rows).any()):
                    message = "call optimizer.catch_up() on every worker before an evaluation"
                    raise RuntimeError(f"rows are behind, and one worker alone must not change them: {message}")
                if rows is not None and training:
                    rows = _distributed.gather_rows(rows.unique(), name)
            self._bring(group, parameter, rows)

    def _parts(self, parameter: Tensor, rows: Tensor, values: Optional[Tensor]) -> Iterator[Tuple[Tensor, Any]]:
        """Blocks of rows, with their part of the values."""
        size = _VALUES.get(parameter.device.type, _VALUES_ELSEWHERE) // max(1, _width(parameter))
        size = max(1, min(size, _MOST_ROWS))
        parts = rows.split(size)
        return zip(parts, values.split(size) if values is not None else parts)

    def _rows(
        self, group: Dict[str, Any], parameter: Tensor, state: Dict[str, Any], rows: Tensor
    ) -> Tuple[Tensor, List[Tensor]]:
        """Copies of rows and of their states, in the type that is computed in."""
        sums = wide(parameter.dtype)
        weights = parameter.detach().view(parameter.shape[0], -1).index_select(0, rows).to(sums)
        names = self._widths(group, weights.shape[1])
        return weights, [state[name].index_select(0, rows).to(sums) for name in names]

    def _write(
        self,
        group: Dict[str, Any],
        values: Tensor,
        state: Dict[str, Any],
        rows: Tensor,
        weights: Tensor,
        states: List[Tensor],
        time: int,
    ) -> None:
        places = [values.view(values.shape[0], -1), *(state[name] for name in self._widths(group, weights.shape[1]))]
        for index, (place, new) in enumerate(zip(places, [weights, *states])):
            if place.dtype == torch.bfloat16:
                new = _rounding.rounded(new.float(), rows, _rounding.key(group["seed"], time, index))
            place.index_copy_(0, rows, new.to(place.dtype))


class _Held:
    """A value that PyTorch leaves as it is."""

    def __init__(self, name: str, value: Any) -> None:
        self._name, self._value = name, value

    def on(self, device: torch.device) -> Any:
        """The value; what belongs to rows is moved to a device."""
        tensor = isinstance(self._value, Tensor)
        return self._value.to("cpu" if self._name == "steps" else device) if tensor else self._value


@untraced
def _read(module: nn.Module, arguments: Tuple[Any, ...], options: Dict[str, Any]) -> None:
    """Before an embedding reads rows."""
    rows = arguments[0] if arguments else options.get("input")
    if isinstance(rows, Tensor):
        training = module.training and torch.is_grad_enabled()
        _registry.before_reading(module.weight, rows, training=training)  # type: ignore[arg-type]


def _behind(state: Dict[str, Any], rows: Optional[Tensor]) -> Tensor:
    """Which rows (None: of all) have missed steps that change them."""
    last = state["last"] if rows is None else state["last"][rows]
    behind = last < state["step"]
    # A row that never had a gradient has no momentum: only decay changes it.
    return behind if state["decayed"] else behind & (last > 0)


def _with_tuples(values: List[Any]) -> List[Any]:
    """Files and schedulers may turn tuples into lists."""
    return [tuple(value) if isinstance(value, list) else value for value in values]


def _numbers_of(rows: Any) -> Tensor:
    """Row numbers that a user gave."""
    if not isinstance(rows, Tensor) or rows.is_floating_point() or rows.is_complex() or rows.dtype == torch.bool:
        found = f"a tensor of {rows.dtype}" if isinstance(rows, Tensor) else f"of type {type(rows).__name__}"
        raise TypeError(f"rows is {found}, expected a tensor of integers: the numbers of rows")
    return _flat(rows)


def _flat(rows: Tensor) -> Tensor:
    return rows.detach().reshape(-1).long()


def _width(parameter: Tensor) -> int:
    return parameter.numel() // max(1, parameter.shape[0])


def _check_parameter(parameter: Tensor, state_dtype: Optional[torch.dtype]) -> None:
    shape, dtype = list(parameter.shape), parameter.dtype
    if dtype not in (torch.float32, torch.float64, torch.bfloat16) or parameter.dim() == 0:
        message = "expected rows in float32, float64 or bfloat16"
        raise TypeError(f"params has a parameter of shape {shape} and dtype {dtype}, {message}")
    if not parameter.numel():
        raise ValueError(f"params has a parameter of shape {shape}, expected at least one row with one value")
    if not parameter.is_contiguous():
        raise ValueError(f"params has a parameter of shape {shape} that is not contiguous, expected one that is")
    if state_dtype not in (None, torch.float32, torch.bfloat16, wide(dtype)):
        raise ValueError(f"state_dtype is {state_dtype}, expected None, torch.float32 or torch.bfloat16")


def not_negative(group: Dict[str, Any], name: str) -> float:
    """A finite number not below 0."""
    value = number(name, group[name])
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"{name} is {value}, expected a finite number not below 0")
    return value


def above_zero(group: Dict[str, Any], name: str) -> float:
    """A finite number above 0."""
    value = number(name, group[name])
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{name} is {value}, expected a finite number above 0")
    return value


def below_one(name: str, value: Any) -> float:
    """A number from 0, below 1."""
    share = number(name, value)
    if not 0 <= share < 1:
        raise ValueError(f"{name} is {share}, expected a number from 0 and below 1")
    return share


def check_decay(group: Dict[str, Any]) -> None:
    """Checks rate and decoupled weight decay, which must not turn weights round."""
    rate, decay = not_negative(group, "lr"), not_negative(group, "weight_decay")
    if not rate * decay < 1:
        raise ValueError(f"lr is {rate} and weight_decay is {decay}, expected a product below 1")
