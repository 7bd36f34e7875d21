#!/usr/bin/env python3
"""Compiles every Triton kernel of the package for several GPUs, none of which is needed; refuses register spills.

The losses are called with plain arguments and with all options. Their launches are recorded instead of made, and each
kernel is compiled for the types and constants of its launches. A kernel that no call launches is an error, so that a
new one is not forgotten here. Prints registers and bytes of spills; exits with 1 if a kernel does not compile or spills
more than --allow bytes. The assembler spills a register or two where one more block of threads then fits. A kernel no
longer does so with fewer elements a thread: a smaller block, or more warps. These are chosen so that no kernel spills
for float32 on sm_90; elsewhere a few spill up to 16 bytes.

  python tools/compile_kernels.py
  python tools/compile_kernels.py --targets sm_90 --only cross_entropy --dtypes float32 --jobs 4
"""

from __future__ import annotations

import argparse
import concurrent.futures
import importlib
import os
import pkgutil
import re
import subprocess
import sys
import tempfile
import time
from typing import Any, Dict, Iterator, List, NamedTuple, Tuple

# A cache of its own, so that every kernel is compiled. Set before Triton is imported.
os.environ.pop("TRITON_INTERPRET", None)
os.environ.setdefault("TRITON_CACHE_DIR", tempfile.mkdtemp(prefix="softnce-kernels-"))

import torch  # noqa: E402
import triton  # noqa: E402
import triton.language as tl  # noqa: E402
from kernel_calls import CALLS, calls  # noqa: E402
from torch import Tensor  # noqa: E402
from triton.backends.compiler import GPUTarget  # noqa: E402
from triton.compiler import ASTSource  # noqa: E402

from softnce.torch import _triton  # noqa: E402
from softnce.torch._triton.launch import Launch, recorded  # noqa: E402

TARGETS = {
    "sm_80": GPUTarget("cuda", 80, 32),
    "sm_90": GPUTarget("cuda", 90, 32),
    "sm_100": GPUTarget("cuda", 100, 32),
    "gfx942": GPUTarget("hip", "gfx942", 64),
}
TYPES = {
    torch.float16: "fp16",
    torch.bfloat16: "bf16",
    torch.float32: "fp32",
    torch.float64: "fp64",
    torch.uint8: "u8",
    torch.int8: "i8",
    torch.int16: "i16",
    torch.int32: "i32",
    torch.int64: "i64",
}
#: The tool of the NVIDIA toolkit that comes with Triton.
CUOBJDUMP = os.path.join(os.path.dirname(triton.__file__), "backends", "nvidia", "bin", "cuobjdump")
#: Rows and classes of the calls. To a kernel they matter only for its blocks, which are as large as they get here.
SHAPES = [(1024, 2500), (16, 10_000)]


class Job(NamedTuple):
    """A kernel to compile, by names and plain values, so that another process can do it."""

    module: str
    kernel: str
    label: str
    target: str
    signature: Tuple[Tuple[str, str], ...]
    constants: Tuple[Tuple[str, Any], ...]
    options: Tuple[Tuple[str, Any], ...]
    aligned: Tuple[str, ...]


class Use(NamedTuple):
    """What a compiled kernel needs."""

    registers: int
    spills: int
    shared: int
    seconds: float


def modules() -> List[Any]:
    """All modules of kernels."""
    names = [module.name for module in pkgutil.iter_modules(_triton.__path__)]
    return [importlib.import_module(f"{_triton.__name__}.{name}") for name in names]


def kernels() -> Dict[str, Any]:
    """Every function for the device, by the name of its module and its own."""
    found = {}
    for module in modules():
        for name, value in vars(module).items():
            if isinstance(value, triton.runtime.JITFunction) and value.fn.__module__ == module.__name__:
                found[f"{module.__name__}.{name}"] = value
    return found


def launches(family: str, dtype: torch.dtype) -> Iterator[Tuple[str, Launch]]:
    """The launches of a family."""
    module = _triton.load(family)
    for rows, classes in SHAPES:
        logits = torch.zeros(rows, classes, dtype=dtype)
        for label, call, temperature in calls(family, rows, classes, dtype, torch.device("cpu")):
            with recorded() as record:
                loss, saved = module.forward(call, logits, temperature)
                module.backward(call, logits, temperature, saved, torch.ones_like(loss), temperature is not None)
            for launch in record:
                yield f"{label}, {rows} x {classes}, {TYPES[dtype]}", launch


def job(label: str, launch: Launch, target: str) -> Job:
    """What to compile for a launch."""
    names = launch.kernel.arg_names
    constants = {name: value for name, value in launch.options.items() if name in names}
    options = {name: value for name, value in launch.options.items() if name not in names}
    parameters = {parameter.name: parameter for parameter in launch.kernel.params}
    signature, aligned = {}, []
    for name, value in zip(names, launch.arguments):
        if isinstance(value, Tensor):
            signature[name] = "*" + TYPES[value.dtype]
            # As PyTorch allocates tensors.
            aligned.append(name)
        elif isinstance(value, float):
            signature[name] = parameters[name].annotation_type or "fp32"
        else:
            signature[name] = "i32" if -(2**31) <= value < 2**31 else "i64"
    signature.update({name: "constexpr" for name in constants})
    # A type is passed by its name: it cannot be pickled.
    plain = {name: f"tl.{value.name}" if isinstance(value, tl.dtype) else value for name, value in constants.items()}
    return Job(
        launch.kernel.fn.__module__,
        launch.kernel.fn.__name__,
        label,
        target,
        tuple((name, signature[name]) for name in names),
        tuple(sorted(plain.items())),
        tuple(sorted(options.items())),
        tuple(aligned),
    )


def compile_job(made: Job) -> Use:
    """Compiles a kernel."""
    kernel = getattr(importlib.import_module(made.module), made.kernel)
    constants = {
        name: {"tl.fp32": tl.float32, "tl.fp64": tl.float64}.get(value, value) if isinstance(value, str) else value
        for name, value in made.constants
    }
    position = {name: index for index, (name, _) in enumerate(made.signature)}
    attributes = {(position[name],): [["tt.divisibility", 16]] for name in made.aligned}
    source = ASTSource(fn=kernel, signature=dict(made.signature), constexprs=constants, attrs=attributes)
    start = time.perf_counter()
    compiled = triton.compile(source, target=TARGETS[made.target], options=dict(made.options))
    seconds = time.perf_counter() - start
    registers, spills = amd(compiled) if made.target.startswith("gfx") else nvidia(compiled)
    return Use(registers, spills, compiled.metadata.shared, seconds)


def nvidia(compiled: Any) -> Tuple[int, int]:
    """Registers of a thread, and bytes of local memory, which spills need."""
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(compiled.asm["cubin"])
        file.flush()
        command = [CUOBJDUMP, "--dump-resource-usage", file.name]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    registers, stack, local = (int(re.search(rf"\b{key}:(\d+)", text)[1]) for key in ("REG", "STACK", "LOCAL"))
    return registers, stack + local


def amd(compiled: Any) -> Tuple[int, int]:
    """Vector registers of a thread, and bytes of memory of its own, which spills need.

    Scalar registers are spilled to vector registers, which costs no memory.
    """
    text = compiled.asm["amdgcn"]
    registers, memory = (
        int(re.search(rf"\.{key}:\s+(\d+)", text)[1]) for key in ("vgpr_count", "private_segment_fixed_size")
    )
    return registers, memory


def jobs(options: argparse.Namespace) -> List[Job]:
    """All kernels to compile; stops if some are never launched."""
    missing = set(_triton.NAMES) ^ set(CALLS)
    if missing:
        raise SystemExit(f"error: CALLS and the families of kernels differ in {', '.join(sorted(missing))}")
    found: Dict[Tuple[Any, ...], Job] = {}
    launched = set()
    for family in _triton.NAMES:
        if options.only and family not in options.only:
            continue
        for dtype in options.dtypes:
            for label, launch in launches(family, getattr(torch, dtype)):
                launched.add(launch.kernel)
                for target in options.targets:
                    made = job(f"{family}: {label}", launch, target)
                    found.setdefault((made.module, made.kernel, *made[3:]), made)
    every = kernels()
    called = {name for kernel in every.values() for name in kernel.fn.__code__.co_names}
    idle = [name for name, kernel in every.items() if kernel not in launched and name.rsplit(".", 1)[1] not in called]
    if idle and not options.only:
        raise SystemExit(f"error: no call in CALLS launches {', '.join(idle)}")
    return list(found.values())


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    listed = {"type": lambda text: text.split(",")}
    parser.add_argument("--targets", **listed, default=list(TARGETS), help=f"GPUs [{','.join(TARGETS)}]")
    parser.add_argument("--dtypes", **listed, default=["float32", "bfloat16"], help="logits [float32,bfloat16]")
    parser.add_argument("--only", **listed, help=f"families of kernels [{','.join(_triton.NAMES)}]")
    parser.add_argument("--allow", type=int, default=0, help="bytes of spills that are no error [%(default)s]")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes [%(default)s]")
    options = parser.parse_args()
    unknown = set(options.targets) - set(TARGETS) | set(options.only or []) - set(_triton.NAMES)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    todo = jobs(options)
    print(f"Triton {triton.__version__}: {len(todo)} kernels")
    print(f"{'kernel':46}{'call':48}{'target':8}{'registers':>10}{'spills':>8}{'shared':>8}{'seconds':>9}")
    spilled = failed = 0
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        for made, future in [(made, pool.submit(compile_job, made)) for made in todo]:
            name = f"{made.module.rsplit('.', 1)[1]}.{made.kernel}"
            try:
                use = future.result()
            except Exception as error:  # The compilers raise errors of many types.
                failed += 1
                print(f"{name:46}{made.label:48}{made.target:8} {error}", flush=True)
                continue
            numbers = f"{use.registers:10}{use.spills:8}{use.shared:8}{use.seconds:9.1f}"
            print(f"{name:46}{made.label:48}{made.target:8}{numbers}", flush=True)
            spilled += use.spills > options.allow
    for count, what in ((failed, "do not compile"), (spilled, f"spill more than {options.allow} bytes")):
        if count:
            print(f"error: {count} kernels {what}", file=sys.stderr)
    return 1 if spilled or failed else 0


if __name__ == "__main__":
    sys.exit(main())
