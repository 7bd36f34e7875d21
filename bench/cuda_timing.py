"""Times on a GPU, for against_pytorch.py --device cuda: in one process, by CUDA events, the paths in turns.

Three modes: eager; compiled, where torch.compile has the loss; graph, where a CUDA graph replays loss and gradient, so
that only the work of the device counts. A sample is a batch of calls between two events, with the waits for the host.
"""

import gc
import json
import os
import statistics
import time

# What an H200 can do at most, estimates: bytes of memory, bytes of the second-level cache, atomic additions and
# float32 operations of matrix products, each a second.
MEMORY, CACHE, ATOMICS, PRODUCTS = 4.8e12, 5.5e12, 150e9, 50e12
MODES = ["eager", "graph", "compiled"]
#: The paths that are compiled, in the cases that are; compiling takes longest.
COMPILED = ["package_compact", "timm_soft_cross_entropy", "package_soft_cross_entropy", "torch_matmul", "package_dense"]
COMPILED_CASES = [(128, 1024, 1000), (1024, 1024, 1000), (128, 128, 10)]
#: Seconds of measurements of each path and mode in a turn, and the milliseconds of a sample.
TURN, SAMPLE = 0.04, 2.0


def bounds(case):
    """The least microseconds for the compact form with two classes: memory, gathers of both passes, atomics."""
    rows, candidates, classes = case
    return {
        "memory": 2 * 4 * rows * classes / MEMORY * 1e6,
        "gathers": 2 * 2 * 16 * rows * candidates / CACHE * 1e6,
        "atomics": 2 * rows * candidates / ATOMICS * 1e6,
        "products": 4 * rows * candidates * classes / PRODUCTS * 1e6,
    }


class Path:
    """A loss to be measured in one mode."""

    def __init__(self, name, mode, call):
        self.name, self.mode, self.call = name, mode, call
        self.times, self.extra, self.loops = [], None, 1

    def sample(self):
        """Milliseconds of a call."""
        from torch import cuda

        start, end = cuda.Event(enable_timing=True), cuda.Event(enable_timing=True)
        start.record()
        for _ in range(self.loops):
            self.call()
        end.record()
        end.synchronize()
        return start.elapsed_time(end) / self.loops

    def warm(self):
        """Runs until caches and clocks have settled, and chooses the calls of a sample."""
        for _ in range(3):
            took = self.sample()
        self.loops = max(1, min(100, int(SAMPLE / max(took, 1e-3))))
        self.sample()

    def turn(self):
        """Some samples more."""
        end = time.perf_counter() + TURN
        self.times.append(self.sample())
        while time.perf_counter() < end:
            self.times.append(self.sample())


def captured(step):
    """A call that replays a loss and its gradient as a CUDA graph."""
    import torch

    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def paths(case, bench, options, modes, notes):
    """The paths of a case, warmed up."""
    import torch

    made = bench.tensors(case, "cuda")
    plain = bench.formulas(made)
    logits = made.logits
    losses = {"torch": bench.torch_losses, "package": bench.package_losses}

    def step(loss):
        logits.grad = None
        loss().backward()

    def differentiate(loss):
        # Accumulation into a leaf is bound to the stream of its first use, which a capture must not wait for.
        (logits.grad,) = torch.autograd.grad(loss(), logits)

    expected = {}

    def check(name, mode, call, formula):
        """Whether the gradient is right: else its time means nothing."""
        if formula not in expected:
            step(formula)
            expected[formula] = logits.grad
        call()
        largest = expected[formula].abs().max().clamp(min=1e-2 / case[0])
        off = float((logits.grad - expected[formula]).abs().max() / largest)
        if not off < 1e-3:
            notes.append(f"FAILED: {name}, {mode} differs from the plain formula by {off:.1e} at {case}")
        return off < 1e-3

    # All cases compile the same functions, of which the compiler keeps but a few versions.
    torch.compiler.reset()
    for side in options.sides:
        for name, loss, formula in losses[side](case, made, plain, options):
            if isinstance(loss, Exception):
                notes.append(f"{name} is left out: {type(loss).__name__}: {loss}"[:300].replace("\n", " "))
                continue
            for mode in modes:
                if mode == "compiled" and name not in COMPILED:
                    continue
                try:
                    if mode == "compiled":
                        # A loss that is a functools.partial has the same arguments in every call.
                        compiled = torch.compile(lambda loss=loss: loss(), fullgraph=True, dynamic=False)
                        call = lambda compiled=compiled: step(compiled)  # noqa: E731
                    elif mode == "graph":
                        call = captured(lambda loss=loss: differentiate(loss))
                    else:
                        call = lambda loss=loss: step(loss)  # noqa: E731
                    path = Path(name, mode, call)
                    if not check(name, mode, call, formula):
                        continue
                    path.warm()
                except Exception as error:  # Compiling and capturing fail in many ways.
                    kind = "FAILED" if name.startswith("package") else "left out"
                    reason = f"{type(error).__name__}: {error}"[:600].replace("\n", " ")
                    notes.append(f"{kind}: {name}, {mode} at {case}: {reason}")
                    torch.cuda.synchronize()
                    continue
                if mode == "eager":
                    logits.grad = None
                    path.extra = bench.extra_bytes_cuda(call, logits.numel() * logits.element_size())
                yield path


def report(case, measured, bench):
    """Prints a case; returns its figures."""
    rows, candidates, classes = case
    least = bounds(case)
    print(f"\nN={rows}, M={candidates}, d={classes}")
    print("  bounds in us: " + ", ".join(f"{name} {value:,.1f}" for name, value in least.items()))
    by = {}
    for path in measured:
        by.setdefault(path.name, {})[path.mode] = path
    print(f"  {'path, median us':28}" + "".join(f"{mode:>12}" for mode in MODES) + f"{'extra memory':>14}")
    for name, modes in by.items():
        cells = [f"{1e3 * statistics.median(modes[mode].times):12,.1f}" if mode in modes else f"{'-':>12}"
                 for mode in MODES]
        extra = modes["eager"].extra if "eager" in modes else None
        print(f"  {name:28}{''.join(cells)}{bench.size(extra):>14}")
    for ours, theirs in bench.PAIRS:
        cells = []
        for mode in MODES:
            if mode in by.get(ours, {}) and mode in by.get(theirs, {}):
                ratio = statistics.median(by[theirs][mode].times) / statistics.median(by[ours][mode].times)
                cells.append(f"{mode} {ratio:,.2f}")
        if cells:
            print(f"  {theirs} / {ours}: {', '.join(cells)}")
    for name, bound in (("package_compact", max(least["memory"], least["gathers"], least["atomics"])),
                        ("package_dense", least["products"]), ("package_soft_cross_entropy", least["memory"])):
        cells = [f"{mode} {1e3 * statistics.median(by[name][mode].times) / bound:,.2f}"
                 for mode in MODES if mode in by.get(name, {})]
        if cells:
            print(f"  {name} / its largest bound of {bound:,.1f} us: {', '.join(cells)}", flush=True)
    figures = []
    for path in measured:
        made = bench.figure(case, path.name, statistics.median(path.times), min(path.times), path.extra)
        figures.append({"device": "cuda", "mode": path.mode, **made})
    return figures


def take_turns(found, rounds):
    """Measures the paths in turns, every second time in the reverse order."""
    for turn in range(rounds):
        for path in found if turn % 2 == 0 else reversed(found):
            path.turn()


def save(options, bench, heading, figures):
    """Writes what has been measured so far, so that a time limit loses nothing."""
    if options.json:
        bench.write(options.json, json.dumps(figures, indent=2) + "\n")
    if options.markdown:
        text = f"{heading}.\n"
        for mode in MODES:
            part = [entry for entry in figures if entry["mode"] == mode]
            if part:
                text += f"\n{mode.capitalize()}: loss and gradient in milliseconds, medians:\n\n"
                text += bench.table(part, "median_ms", bench.three_digits)
        eager = [entry for entry in figures if entry["mode"] == "eager"]
        text += f"\nPeak memory beyond the gradient:\n\n{bench.table(eager, 'extra_bytes', bench.size)}"
        bench.write(options.markdown, text)


def run(options, bench):
    """Measures all cases; exits with 1 if the package failed in one. ``bench``: the module against_pytorch."""
    # Processes for compiling would stay alive during the timing.
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")
    import torch

    if not torch.cuda.is_available():
        raise SystemExit("error: PyTorch finds no GPU; use --device cpu")
    torch.set_num_threads(options.threads)
    began = time.perf_counter()
    heading = f"PyTorch {torch.__version__}, {torch.cuda.get_device_name()}, float32 products, {options.rounds} turns"
    print(heading, flush=True)
    figures, notes, told = [], [], 0
    cases = options.case or bench.STANDARD
    plan = [(case, ["eager", "graph"]) for case in cases]
    plan += [(case, ["compiled"]) for case in COMPILED_CASES if case in cases]
    for case, modes in plan:
        if time.perf_counter() - began > options.budget:
            notes.append(f"{case}, {' and '.join(modes)}: left out, {options.budget:.0f} s are over")
            continue
        found = list(paths(case, bench, options, modes, notes))
        take_turns(found, options.rounds)
        figures += report(case, found, bench)
        save(options, bench, heading, figures)
        for note in notes[told:]:
            print(f"  note: {note}", flush=True)
        told = len(notes)
        del found
        gc.collect()
        torch.cuda.empty_cache()
    for note in notes[told:]:
        print(f"note: {note}")
    print(f"{time.perf_counter() - began:.0f} s", flush=True)
    return 1 if any(note.startswith("FAILED") for note in notes) else 0
