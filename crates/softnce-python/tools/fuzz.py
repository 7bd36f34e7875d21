#!/usr/bin/env python3
"""Compares the losses on the CPU with their definition in double precision, over random calls.

  python tools/fuzz.py --cases 5000
  python tools/fuzz.py --seed 0 --only 123    # one case again, with its arguments

Each case runs through ``softnce.torch`` with ``backend="kernel"`` and ``backend="tensor"``, and through
``softnce.numpy`` where that has the options. ``fuzz_definition.py`` says which errors it allows: those of rounding, by
the types and the sizes of the terms, and none beyond. Exits with 1 if a value or gradient is further off, or a call
raises an error.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections import defaultdict
from typing import Any, Dict, Iterator, List, Optional, Tuple

import fuzz_cases
import fuzz_definition as definition
import numpy as np
import torch
from fuzz_calls import Found, by_numpy, by_torch, for_numpy
from fuzz_cases import Case, Values
from fuzz_definition import Bounded, Exact, Precision

#: One case in so many has the gradients of the definition compared with differences.
DIFFERENCES = 10
#: With so many classes, rows of any values have a compact form: all but three of the classes share one.
FEW = 4
#: How far they may be apart relative to the terms: differences are not exact.
SLOPE = 1e-3


def precision(case: Case, backend: str) -> Precision:
    """The floats in which a backend computes a case: those in which the sums of its logits are kept.

    Dense targets that are not in double precision limit this. Label smoothing keeps them in single precision. Tensor
    operations take uniform shares as equal that differ by less than it tells apart. The kernels add up such rows in
    single precision with the rounding errors carried along, which leaves those of second order.
    """
    sums = torch.finfo(torch.float64 if case.logits.dtype == "float64" else torch.float32)
    single, unit = torch.finfo(torch.float32).eps / 2, sums.eps / 2
    if any(part.form == "dense" and part.first.dtype != "float64" for part in (case.targets, *case.candidates)):
        coarse = case.smoothing or (backend == "tensor" and case.recognise)
        unit = max(unit, single if coarse else single**2)
    return Precision(unit, sums.tiny)


def off(found: Any, expected: Bounded, dtype: str) -> float:
    """The largest error relative to what is allowed."""
    info = torch.finfo(getattr(torch, dtype))
    found, value = np.asarray(found), np.asarray(expected.value)
    if found.shape != value.shape:
        return float("inf")
    # The result is rounded to its type, wherever within the bound it lies.
    rounded = np.maximum(np.abs(value), np.abs(np.where(np.isfinite(found), found, 0.0)))
    # A quarter more than the bound, which is of first order.
    limit = 1.25 * expected.bound + info.eps * rounded + info.tiny * info.eps
    with np.errstate(invalid="ignore", over="ignore"):
        ratio = np.abs(found - value) / limit
        # What is too large for the type is infinite.
        beyond = np.isinf(found) & (np.sign(found) * value + limit >= info.max)
    ratio = np.where(beyond | (np.isnan(found) & np.isnan(value)), 0.0, ratio)
    return float(np.where(np.isnan(ratio), np.inf, ratio).max(initial=0.0))


def compare(found: Found, exact: Exact) -> Dict[str, float]:
    """The errors of a backend relative to what is allowed."""
    errors = {
        "loss": off(found.loss, exact.loss, found.loss_dtype),
        "gradient": off(found.gradient, exact.logits, found.gradient_dtype),
    }
    if found.temperature is not None:
        errors["temperature's gradient"] = off(found.temperature, exact.temperature, found.temperature_dtype)
    return errors


def run(case: Case) -> Iterator[Tuple[str, Dict[str, float], str]]:
    """Of each backend: its name, its errors relative to what is allowed, and the exception it raised."""
    problem = fuzz_cases.problem(case)
    dense = [part for part in (case.targets, *case.candidates) if part.form == "dense"]
    if case.recognise and problem.logits.shape[1] <= FEW and any(part.first.dtype != "float64" for part in dense):
        # Every row has a compact form. Uniform shares that single precision does not tell apart are taken as equal.
        problem = problem._replace(sizes=problem.sizes + 0.25)
    for backend in ("kernel", "tensor", "numpy"):
        if backend == "numpy" and not for_numpy(case):
            continue
        exact = definition.evaluate(problem, precision(case, backend))
        largest = torch.finfo(torch.float64 if case.logits.dtype == "float64" else torch.float32).max
        if (np.abs(exact.loss.value) + exact.loss.bound >= largest).any():
            # A weight times a loss beyond the range: the kernels raise an error, tensor operations give infinity.
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                # Of NumPy, where a gradient is too large for half precision.
                warnings.filterwarnings("ignore", "overflow encountered in cast", RuntimeWarning)
                found = by_numpy(case) if backend == "numpy" else by_torch(case, backend)
        except Exception as error:
            yield backend, {}, f"{type(error).__name__}: {error}"
            continue
        errors = compare(found, exact)
        if backend == "tensor" and not np.isfinite(found.temperature if found.temperature is not None else 0.0):
            # Tensor operations add up the part of each row in the type of the sums, the kernels in double precision.
            spread = np.ptp(problem.logits, axis=1).max() / problem.temperature**2
            weight = np.abs(problem.row_weights * problem.upstream).max(initial=1.0)
            if spread * weight >= largest:
                del errors["temperature's gradient"]
        yield backend, errors, ""


def described(case: Case) -> str:
    """The arguments of a case, arrays by shape and type."""

    def text(value: Any) -> str:
        if isinstance(value, Values):
            return f"{value.dtype}{list(value.values.shape)} {value.layout}"
        if isinstance(value, fuzz_cases.Targets):
            return " ".join([value.form, text(value.first), text(value.weights), text(value.uniform)])
        return str([text(part) for part in value]) if isinstance(value, list) else str(value)

    return "\n".join([f"  {name}: {text(getattr(case, name))}" for name in case._fields])


def main(arguments: Optional[List[str]] = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0, help="seed of all cases [%(default)s]")
    parser.add_argument("--cases", type=int, default=1000, help="number of cases [%(default)s]")
    parser.add_argument("--first", type=int, default=0, help="number of the first case [%(default)s]")
    parser.add_argument("--only", type=int, help="runs this case only and prints its arguments")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    numbers = range(options.first, options.first + options.cases) if options.only is None else [options.only]
    worst: Dict[Tuple[str, str], Tuple[float, int]] = defaultdict(lambda: (0.0, -1))
    calls: Dict[str, int] = defaultdict(int)
    mismatches, checked, slope = 0, 0, 0.0
    start = time.monotonic()
    for count, number in enumerate(numbers):
        case = fuzz_cases.make(options.seed, number)
        if options.only is not None:
            print(described(case))
        problem = fuzz_cases.problem(case)
        if number % DIFFERENCES == 0 and fuzz_cases.mild(problem):
            checked += 1
            slope = max(slope, definition.differences(problem, np.random.default_rng(number)))
        wrong: List[str] = []
        for backend, errors, raised in run(case):
            calls[backend] += 1
            worst[backend, case.logits.dtype] = max(
                worst[backend, case.logits.dtype], (max(errors.values(), default=0.0), number)
            )
            bad = [f"{name} off by {error:.3g} times what is allowed" for name, error in errors.items() if error > 1.0]
            wrong += [f"{backend}: {problem}" for problem in [raised, *bad] if problem]
        if wrong:
            mismatches += 1
            print(f"case {number}: " + "; ".join(wrong))
            print(f"  again: python tools/fuzz.py --seed {options.seed} --only {number}", flush=True)
        if (count + 1) % 5000 == 0:
            print(f"{count + 1} cases, {mismatches} mismatches, {time.monotonic() - start:.0f} s", flush=True)

    print(f"{len(numbers)} cases, {mismatches} mismatches, {time.monotonic() - start:.0f} s")
    print(f"gradients of the definition: {checked} cases, largest relative difference {slope:.1e}")
    for (backend, dtype), (error, number) in sorted(worst.items()):
        print(f"{backend}, {dtype}: largest error {error:.2g} times what is allowed (case {number})")
    print(", ".join([f"{count} calls of {backend}" for backend, count in calls.items()]))
    return 1 if mismatches or slope > SLOPE else 0


if __name__ == "__main__":
    sys.exit(main())
