#!/usr/bin/env python3
"""Runs every Triton kernel on a GPU with small tensors, forward and backward: what a memory checker watches.

  compute-sanitizer --tool memcheck --error-exitcode 9 python tools/run_kernels.py
  PYTORCH_NO_CUDA_MEMORY_CACHING=1 compute-sanitizer --tool racecheck python tools/run_kernels.py --only dense

Exits with 1 if a loss or gradient is not finite, or a kernel reports a problem. With PYTORCH_NO_CUDA_MEMORY_CACHING=1
each tensor is an allocation of its own, so that a checker sees what lies beyond it.
"""

from __future__ import annotations

import argparse
import sys

import torch
from kernel_calls import CALLS, calls

from softnce.torch import _triton
from softnce.torch._triton import flags

#: Rows and classes: fewer and more classes than a block has, none a multiple of it.
SHAPES = [(5, 37), (3, 2500)]


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(CALLS), help="families of kernels")
    parser.add_argument("--device", default="cuda", help="device [%(default)s]")
    parser.add_argument("--dtypes", type=lambda text: text.split(","), default=["float32"], help="logits [float32]")
    options = parser.parse_args()
    device = torch.device(options.device)
    failed = 0
    for family in options.only:
        module = _triton.load(family)
        for name in options.dtypes:
            for rows, classes in SHAPES:
                dtype = getattr(torch, name)
                logits = torch.randn(rows, classes, dtype=dtype, device=device)
                for label, call, temperature in calls(family, rows, classes, dtype, device):
                    loss, saved = module.forward(call, logits, temperature)
                    learn = temperature is not None
                    one = torch.ones_like(loss)
                    gradients = module.backward(call, logits, temperature, saved, one, learn)
                    good = all(
                        bool(value.isfinite().all()) for value in (loss, gradients[0], *gradients[1 : learn + 1])
                    )
                    found = flags.clear(device)
                    failed += not good or bool(found)
                    verdict = "ok" if good and not found else f"FAILED, finite: {good}, problems: {found}"
                    print(f"{family}: {label}, {rows} x {classes}, {name}: {verdict}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
