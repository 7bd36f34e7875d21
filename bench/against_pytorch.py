#!/usr/bin/env python3
"""Times softnce and PyTorch side by side, on the CPU or a GPU, and prints the ratios.

There are three sides, each in its own process. They take turns and never run at the same time: PyTorch's threads spin
while they wait, and small cases become a hundred times slower if another process uses the cores. Every call computes
the loss and its gradient with respect to the logits, in single precision. On a GPU all paths share one process and are
timed by CUDA events, eager, compiled and as a CUDA graph, with bounds of the hardware beside them: see cuda_timing.py.

The side torch has implementations of the same loss (PyTorch itself has none) and of the loss that it replaces:

  torch_reference           the definition, (S[:, None, :] * W[None, :, :]).sum(-1), with an N x M x d tensor
  torch_matmul              cross_entropy(S @ W.T, positives)
  torch_gather              two gathers instead of the product, then cross_entropy
  torch_soft_cross_entropy  soft target cross-entropy of the targets of the N rows
  torch_cross_entropy       nn.CrossEntropyLoss of the labels of the N rows
  timm_soft_cross_entropy   the same from timm, if it is installed
  torch_matmul_compiled     torch_matmul with torch.compile, compiled beforehand, if a compiler works
  torch_empty               no loss: an autograd.Function that allocates the gradient, what any loss in Python takes

The side package has softnce from Python (softnce.torch), from the call to logits.grad:

  package_compact             MixUp with label smoothing as MixedTargets
  package_learned             the same with a learned temperature
  package_recognised          the same as dense rows; the compact form is found at every call
  package_dense               dense rows, without this search
  package_hard                InfoNCE on labels
  package_soft_cross_entropy  soft target cross-entropy of the MixedTargets of the N rows
  package_dense_cross_entropy the same of dense rows, as timm's
  package_cross_entropy       cross-entropy of the labels of the N rows
  package_tensor              compact targets in PyTorch operations
  package_queue               package_compact with the M - N other candidates in a queue, which every call adds its N
                              targets to; on the CPU, if M is a multiple of N and at least 5 N

The side rust has the program, on the CPU only: compact, recognised, dense, hard, soft_cross_entropy, nll. It writes the
gradient into memory that it keeps. The other two sides allocate new memory for the gradient at every call.

The targets are made beforehand on every side. Extra memory is the peak memory of a call, minus the memory in use before
it and minus the gradient. It is resident memory for torch and package on the CPU, where small cases hardly change it,
and allocated memory otherwise.

This needs PyTorch, the package and the built program (cargo build --release). --sides leaves out what is missing:

  python bench/against_pytorch.py --json against_pytorch.json --markdown against_pytorch.md
  python bench/against_pytorch.py --case 128,1024,1000 --rounds 3 --sides torch,rust
  python bench/against_pytorch.py --device cuda
"""

import argparse
import ctypes
import functools
import gc
import itertools
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import types

STANDARD = [
    (128, 128, 10),
    (128, 1024, 200),
    (128, 1024, 1000),
    (1024, 1024, 1000),
    (4096, 4096, 1000),
    (1024, 1024, 21841),
    (256, 65536, 1000),
]
SIDES = ["torch", "package", "rust"]
RUST_PATHS = ["compact", "recognised", "dense", "hard", "soft_cross_entropy", "nll"]
SMOOTHING = 0.1

# The ratios to print: (path of softnce, path whose time is divided by it).
PAIRS = [
    ("package_compact", "torch_reference"),
    ("package_compact", "torch_matmul"),
    ("package_compact", "torch_matmul_compiled"),
    ("package_compact", "timm_soft_cross_entropy"),
    ("package_recognised", "timm_soft_cross_entropy"),
    ("package_learned", "package_compact"),
    ("torch_empty", "package_compact"),
    ("package_soft_cross_entropy", "timm_soft_cross_entropy"),
    ("package_dense_cross_entropy", "timm_soft_cross_entropy"),
    ("package_cross_entropy", "torch_cross_entropy"),
    ("package_hard", "torch_cross_entropy"),
    ("package_dense", "torch_matmul"),
    ("package_tensor", "torch_matmul"),
    # The cost of reading and filling a queue.
    ("package_compact", "package_queue"),
    # The cost of Python and of new memory for the gradient.
    ("compact", "package_compact"),
    ("compact", "torch_reference"),
    ("compact", "torch_matmul"),
    ("compact", "torch_gather"),
    ("compact", "torch_soft_cross_entropy"),
    ("recognised", "torch_soft_cross_entropy"),
    ("dense", "torch_matmul"),
    ("soft_cross_entropy", "torch_soft_cross_entropy"),
]

# The columns of --markdown; columns without a measurement are left out.
COLUMNS = {
    "torch_reference": "reference",
    "torch_matmul": "matmul",
    "torch_matmul_compiled": "compiled matmul",
    "torch_soft_cross_entropy": "soft CE",
    "torch_cross_entropy": "CE of labels",
    "timm_soft_cross_entropy": "timm's soft CE",
    "torch_empty": "empty function",
    "package_compact": "**Python compact**",
    "package_learned": "Python learned temperature",
    "package_recognised": "Python recognised",
    "package_dense": "Python dense",
    "package_tensor": "Python tensor",
    "package_queue": "Python queue",
    "package_soft_cross_entropy": "Python soft CE",
    "package_dense_cross_entropy": "Python dense soft CE",
    "package_cross_entropy": "Python CE of labels",
    "package_hard": "Python hard",
    "compact": "**Rust compact**",
    "recognised": "Rust recognised",
    "dense": "Rust dense",
    "soft_cross_entropy": "Rust soft CE",
}


def parse_case(text):
    """Reads N,M,D."""
    try:
        rows, candidates, classes = (int(size) for size in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}, expected N,M,D as three whole numbers") from None
    if min(rows, candidates, classes) < 1 or candidates < rows:
        raise argparse.ArgumentTypeError(f"{text!r}, expected numbers of at least 1, and M at least N")
    return rows, candidates, classes


def parse_sides(text):
    """Reads the names of sides, separated by commas."""
    asked = text.split(",")
    if not set(asked) <= set(SIDES):
        raise argparse.ArgumentTypeError(f"{text!r}, expected some of {','.join(SIDES)}")
    return [side for side in SIDES if side in asked]


def positive(kind):
    """Reads a number above 0."""

    def parse(text):
        try:
            value = kind(text)
        except ValueError:
            value = 0
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text!r}, expected a number above 0")
        return value

    return parse


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--case", metavar="N,M,D", type=parse_case, action="append", help="a case; may be repeated")
    parser.add_argument("--sides", metavar="SIDE,..", type=parse_sides, default=SIDES,
                        help=f"sides to measure, separated by commas [{','.join(SIDES)}]")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu",
                        help="device of the tensors; cuda leaves out the side rust [%(default)s]")
    parser.add_argument("--rounds", type=positive(int), default=5, help="number of turns of each side [%(default)s]")
    parser.add_argument("--seconds", type=positive(float), default=0.5, help="seconds per path and turn [%(default)s]")
    parser.add_argument("--threads", type=positive(int), default=os.cpu_count() or 1,
                        help="number of threads [%(default)s]")
    parser.add_argument("--memory-cap", metavar="GIB", type=positive(float), dest="cap",
                        help="largest tensor of torch_reference, in GiB [2, on a GPU 4]")
    parser.add_argument("--budget", metavar="SECONDS", type=positive(float), default=math.inf,
                        help="on a GPU: start no case after so many seconds")
    parser.add_argument("--softnce", metavar="PROGRAM", default="target/release/softnce",
                        help="the program of the side rust [%(default)s]")
    parser.add_argument("--json", metavar="FILE", help="write all measurements here: a list of {n, m, d, path, ...}")
    parser.add_argument("--markdown", metavar="FILE", help="write tables of the main paths here, one row per case")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.cap = options.cap or (4.0 if options.device == "cuda" else 2.0)
    if options.device == "cuda":
        options.sides = [side for side in options.sides if side != "rust"]
        if not options.sides:
            parser.error("argument --sides: the side rust cannot use a GPU, expected torch or package for cuda")
    return options


# Code of the worker processes for the sides torch and package.


def resident(field):
    """A memory field of this process in bytes; None if the system does not report it."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            for line in status:
                if line.startswith(field + ":"):
                    return 1024 * int(line.split()[1])
    except OSError:
        pass
    return None


def extra_bytes_cpu(call, result):
    """The peak memory of a call, minus the memory in use before it and the bytes of its result."""
    gc.collect()
    try:
        # Return freed memory to the system, so that it counts when it is allocated again.
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        pass
    try:
        # Reset the peak of the resident memory.
        with open("/proc/self/clear_refs", "w", encoding="ascii") as refs:
            refs.write("5")
    except OSError:
        return None
    before = resident("VmRSS")
    call()
    peak = resident("VmHWM")
    if before is None or peak is None:
        return None
    return max(0, peak - before - result)


def extra_bytes_cuda(call, result):
    """The same for the memory of the GPU, as counted by PyTorch's allocator."""
    from torch import cuda

    gc.collect()
    cuda.synchronize()
    before = cuda.memory_allocated()
    cuda.reset_peak_memory_stats()
    call()
    cuda.synchronize()
    return max(0, cuda.max_memory_allocated() - before - result)


def samples(call, seconds):
    """Times of a call in milliseconds; short calls share a sample."""

    def timed(loops):
        start = time.perf_counter()
        for _ in range(loops):
            call()
        return (time.perf_counter() - start) / loops

    took = max(timed(1), 1e-6)
    if took < seconds:
        took = max(timed(1), 1e-6)
    loops = max(1, int(1e-3 / took))
    out = []
    end = time.perf_counter() + seconds
    while not out or (time.perf_counter() < end and len(out) < 2000) or (len(out) < 3 and took < seconds):
        out.append(timed(loops) * 1e3)
    return out


def tensors(case, device):
    """The tensors of a case, the same on every side: MixUp of labels with smoothing."""
    import torch

    rows, candidates, classes = case
    torch.manual_seed(0)
    logits = torch.randn(rows, classes)
    first, second = torch.randint(classes, (candidates,)), torch.randint(classes, (candidates,))
    weight = torch.rand(candidates, 1)
    targets = torch.full((candidates, classes), SMOOTHING / classes)
    targets.scatter_add_(1, first[:, None], (1 - SMOOTHING) * weight)
    targets.scatter_add_(1, second[:, None], (1 - SMOOTHING) * (1 - weight))
    # The noise is uniform. Its logarithm is a constant, but the definition has it too.
    made = dict(logits=logits, first=first, second=second, weight=weight, targets=targets,
                own=targets[:rows].contiguous(), positives=torch.arange(rows),
                log_noise=torch.full((classes,), 1 / classes).log())
    made = types.SimpleNamespace(**{name: tensor.to(device) for name, tensor in made.items()})
    made.logits.requires_grad_()
    return made


def formulas(made):
    """The losses in plain PyTorch."""
    import torch
    import torch.nn.functional as F

    logits, targets, own, positives, log_noise = made.logits, made.targets, made.own, made.positives, made.log_noise
    first, second, weight = made.first, made.second, made.weight

    def reference():
        scores = logits - log_noise
        return F.cross_entropy((scores[:, None, :] * targets[None, :, :]).sum(-1), positives)

    def matmul():
        return F.cross_entropy((logits - log_noise) @ targets.T, positives)

    def gather():
        scores = logits - log_noise
        # Equal smoothing cancels.
        share = (1 - SMOOTHING) * weight.T
        return F.cross_entropy(scores[:, first] * share + scores[:, second] * (1 - SMOOTHING - share), positives)

    def hard():
        return F.cross_entropy((logits - log_noise)[:, first], positives)

    def soft_cross_entropy():
        return torch.sum(-own * F.log_softmax(logits, dim=-1), dim=-1).mean()

    own_labels, criterion = first[: len(logits)].contiguous(), torch.nn.CrossEntropyLoss()

    def cross_entropy():
        return criterion(logits, own_labels)

    class Empty(torch.autograd.Function):
        @staticmethod
        def forward(ctx, logits):
            ctx.save_for_backward(torch.empty_like(logits))
            return logits.new_empty(())

        @staticmethod
        def backward(ctx, upstream):
            return ctx.saved_tensors[0]

    def empty():
        return Empty.apply(logits)

    return types.SimpleNamespace(empty=empty, reference=reference, matmul=matmul, gather=gather, hard=hard,
                                 soft_cross_entropy=soft_cross_entropy, cross_entropy=cross_entropy)


# Each of the next two functions yields the name of a path, its loss (or the exception that prevents it) and the formula
# that it must agree with. They are generators, so that a path is set up only after the earlier paths are measured:
# importing timm and compiling leave much memory in use.


def torch_losses(case, made, plain, options):
    import torch

    rows, candidates, classes = case
    if 4 * rows * candidates * classes <= options.cap * 2**30:
        yield "torch_reference", plain.reference, plain.matmul
    yield "torch_matmul", plain.matmul, plain.matmul
    yield "torch_empty", plain.empty, plain.empty
    yield "torch_gather", plain.gather, plain.matmul
    yield "torch_soft_cross_entropy", plain.soft_cross_entropy, plain.soft_cross_entropy
    yield "torch_cross_entropy", plain.cross_entropy, plain.cross_entropy
    try:
        from timm.loss import SoftTargetCrossEntropy

        loss = functools.partial(SoftTargetCrossEntropy(), made.logits, made.own)
    except Exception as error:  # A timm that does not match its torchvision raises more than ImportError.
        loss = error
    yield "timm_soft_cross_entropy", loss, plain.soft_cross_entropy
    if options.device == "cuda":
        # There every path can be compiled.
        return
    try:
        loss = torch.compile(plain.matmul, fullgraph=True)
        # As in every later call; otherwise it would be compiled again.
        made.logits.grad = None
        loss().backward()
    except Exception as error:  # Compilers fail in many ways.
        loss = error
    yield "torch_matmul_compiled", loss, plain.matmul


def package_losses(case, made, plain, options):
    from softnce.torch import InfoNCE, MixedTargets, SoftTargetCrossEntropy, SoftTargetInfoNCE

    rows, candidates, classes = case
    mixed = MixedTargets.mixed(made.first, made.second, made.weight[:, 0], classes, SMOOTHING)
    paths = {
        "package_compact": (SoftTargetInfoNCE(), mixed, plain.matmul),
        "package_learned": (SoftTargetInfoNCE(learn_temperature=True), mixed, plain.matmul),
        "package_recognised": (SoftTargetInfoNCE(), made.targets, plain.matmul),
        "package_dense": (SoftTargetInfoNCE(recognise=False), made.targets, plain.matmul),
        "package_hard": (InfoNCE(), made.first, plain.hard),
        "package_soft_cross_entropy": (SoftTargetCrossEntropy(), mixed[:rows], plain.soft_cross_entropy),
        "package_dense_cross_entropy": (
            SoftTargetCrossEntropy(recognise=False), made.own, plain.soft_cross_entropy,
        ),
        "package_cross_entropy": (SoftTargetCrossEntropy(), made.first[:rows], plain.cross_entropy),
        "package_tensor": (SoftTargetInfoNCE(backend="tensor"), mixed, plain.matmul),
    }
    for name, (criterion, targets, formula) in paths.items():
        yield name, functools.partial(criterion, made.logits, targets), formula
    if options.device == "cpu" and candidates % rows == 0 and candidates >= 5 * rows:
        yield "package_queue", queue_loss(made, mixed), plain.matmul


def queue_loss(made, mixed):
    """A loss whose queue holds the M - N targets that are not those of the call. The batches take turns, so that a call
    has other targets than the four calls before it, of which it would count as a repetition."""
    from softnce.torch import SoftTargetInfoNCE, TargetQueue

    rows = len(made.logits)
    batches = [mixed[start : start + rows] for start in range(0, len(mixed), rows)]
    queue = TargetQueue(len(mixed) - rows, mixed.num_classes)
    for batch in batches[1:]:
        queue.push(batch)
    criterion, order = SoftTargetInfoNCE(queue=queue), itertools.cycle(batches)
    return lambda: criterion(made.logits, next(order))


def measure(case, losses, options):
    """The measurements of one side for one case, and notes on paths that are not available."""
    made = tensors(case, "cpu")
    plain = formulas(made)
    logits = made.logits
    rows, candidates, _ = case
    def step(loss):
        logits.grad = None
        loss().backward()

    expected = {}

    def check(name, loss, formula):
        """Stops if the gradients disagree: then the times mean nothing."""
        if formula not in expected:
            step(formula)
            expected[formula] = logits.grad
        step(loss)
        # With one candidate or one class the gradient is 0.
        largest = expected[formula].abs().max().clamp(min=1e-2 / rows)
        off = (logits.grad - expected[formula]).abs().max() / largest
        if not off < 1e-3:
            raise SystemExit(f"error: {name} differs from the plain formula by {off:.1e} at {case}")

    figures, notes = [], []
    for name, loss, formula in losses(case, made, plain, options):
        if isinstance(loss, Exception):
            reason = next((line for line in str(loss).splitlines() if line.strip()), "")
            notes.append(f"{name} is left out: {type(loss).__name__}: {reason}")
            continue
        if loss is not formula and rows * candidates < 1 << 24:
            check(name, loss, formula)
        call = functools.partial(step, loss)
        call()
        # Otherwise the memory of the old gradient would count as in use before the call.
        logits.grad = None
        extra = extra_bytes_cpu(call, logits.numel() * logits.element_size())
        times = samples(call, options.seconds)
        figures.append(figure(case, name, statistics.median(times), min(times), extra))
    return {"figures": figures, "notes": notes}


def worker(options):
    """Prints JSON: the versions of a side, or why it is not available; with a case, its measurements too."""
    answer = {}
    try:
        import torch

        answer["versions"] = [f"PyTorch {torch.__version__}"]
        if options.worker == "package":
            import softnce.torch

            answer["versions"].append(f"softnce {softnce.__version__}")
    except (ImportError, OSError) as error:
        answer["missing"] = f"{error}{leave_out(options, options.worker)}"
    else:
        torch.set_num_threads(options.threads)
        if options.case:
            losses = torch_losses if options.worker == "torch" else package_losses
            answer.update(measure(options.case[0], losses, options))
    json.dump(answer, sys.stdout)


def figure(case, path, median, least, extra):
    rows, candidates, classes = case
    return {"n": rows, "m": candidates, "d": classes, "path": path, "median_ms": median, "min_ms": least,
            "extra_bytes": extra}


# Code of the main process, which starts the workers.


def leave_out(options, side):
    """The end of a message: how to run without a side."""
    others = ",".join(other for other in options.sides if other != side)
    return f"; use --sides {others} to leave it out" if others else ""


def ask_python(options, side, case, notes):
    """The answer of a worker; without a case only its versions."""
    command = [sys.executable, os.path.abspath(__file__), "--worker", side, "--sides", ",".join(options.sides)]
    command += ["--memory-cap", str(options.cap)]
    command += ["--threads", str(options.threads), "--seconds", str(options.seconds)]
    command += ["--case", ",".join(map(str, case))] if case else []
    # PyTorch would otherwise start processes for compiling, which would stay alive during the timing.
    environment = dict(os.environ, OMP_NUM_THREADS=str(options.threads), TORCHINDUCTOR_COMPILE_THREADS="1")
    done = subprocess.run(command, stdout=subprocess.PIPE, env=environment, check=False)
    if done.returncode != 0:
        at = f" at {case}" if case else ""
        raise SystemExit(f"error: the side {side} failed{at} with code {done.returncode}{leave_out(options, side)}")
    answer = json.loads(done.stdout)
    if "missing" in answer:
        raise SystemExit(f"error: the side {side}: {answer['missing']}")
    for line in answer.get("notes", []):
        if line not in notes:
            print(f"note: {line}", file=sys.stderr, flush=True)
            notes.add(line)
    return answer


def ask_rust(options, case):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "figures.json")
        command = [options.softnce, "bench", "--case", ",".join(map(str, case)), "--json", out]
        command += ["--paths", ",".join(RUST_PATHS), "--out", os.path.join(folder, "run")]
        command += ["--threads", str(options.threads), "--seconds", str(options.seconds)]
        try:
            done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        except OSError as error:
            raise SystemExit(f"error: {options.softnce}: {error.strerror}{leave_out(options, 'rust')}") from None
        if done.returncode != 0:
            raise SystemExit(f"error: softnce failed at {case}:\n{done.stderr.decode(errors='replace')}")
        with open(out, encoding="utf-8") as file:
            return json.load(file)


def versions(options):
    """The versions of all sides. This runs first, so that a missing side is reported at once."""
    found = []
    for side in options.sides:
        if side != "rust":
            found += ask_python(options, side, None, set())["versions"]
        elif shutil.which(options.softnce) is None:
            hint = f"build it with cargo build --release, or give its path with --softnce{leave_out(options, side)}"
            raise SystemExit(f"error: the side rust: {options.softnce} not found; {hint}")
    return list(dict.fromkeys(found))


def over_rounds(case, turns):
    """For each path: the median over the turns of the medians, the smallest time, the largest extra memory."""
    out = []
    for path in dict.fromkeys(entry["path"] for turn in turns for entry in turn):
        entries = [entry for turn in turns for entry in turn if entry["path"] == path]
        extra = [entry["extra_bytes"] for entry in entries if entry["extra_bytes"] is not None]
        median = statistics.median(entry["median_ms"] for entry in entries)
        least = min(entry["min_ms"] for entry in entries)
        out.append(figure(case, path, median, least, max(extra, default=None)))
    return out


def size(count):
    if count is None:
        return "n/a"
    for unit in ["B", "KiB", "MiB", "GiB"]:
        if count < 1024 or unit == "GiB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return None


def report(case, figures):
    rows, candidates, classes = case
    by_path = {entry["path"]: entry for entry in figures}
    print(f"\nN={rows}, M={candidates}, d={classes}")
    print(f"  {'path':28}{'median ms':>12}{'min ms':>12}{'extra memory':>14}")
    for entry in figures:
        print(f"  {entry['path']:28}{entry['median_ms']:12.4f}{entry['min_ms']:12.4f}{size(entry['extra_bytes']):>14}")
    for ours, theirs in PAIRS:
        if ours in by_path and theirs in by_path:
            ratio = by_path[theirs]["median_ms"] / by_path[ours]["median_ms"]
            print(f"  {theirs} / {ours}: {ratio:,.2f}" if ratio < 100 else f"  {theirs} / {ours}: {ratio:,.0f}")
    sys.stdout.flush()


def three_digits(value):
    """A number above 0 with three significant digits, without an exponent."""
    value = float(f"{value:.2e}")
    return f"{value:,.{max(0, 2 - math.floor(math.log10(value)))}f}"


def table(figures, field, show):
    """A Markdown table of one field, with one row per case."""
    cases = {}
    for entry in figures:
        cases.setdefault((entry["n"], entry["m"], entry["d"]), {})[entry["path"]] = show(entry[field])
    columns = {path: title for path, title in COLUMNS.items() if any(path in cells for cells in cases.values())}
    lines = [["N, M, d", *columns.values()], ["---", *("---:" for _ in columns)]]
    for case, cells in cases.items():
        row = [", ".join(f"{length:,}" for length in case)]
        for path, title in columns.items():
            cell = cells.get(path, "-")
            row.append(f"**{cell}**" if title.startswith("**") and cell != "-" else cell)
        lines.append(row)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def markdown(heading, figures):
    times, memory = table(figures, "median_ms", three_digits), table(figures, "extra_bytes", size)
    return (f"{heading}.\n\nLoss and gradient in milliseconds, medians:\n\n{times}\n"
            f"Peak memory beyond the gradient:\n\n{memory}")


def write(path, text):
    """Writes a file completely or not at all."""
    folder = os.path.dirname(os.path.abspath(path))
    with tempfile.NamedTemporaryFile("w", dir=folder, prefix=".softnce-", delete=False, encoding="utf-8") as file:
        file.write(text)
    os.replace(file.name, path)


def main():
    options = arguments()
    if options.worker:
        return worker(options)
    if options.device == "cuda":
        import cuda_timing

        return cuda_timing.run(options, sys.modules[__name__])
    for flag, path in (("--json", options.json), ("--markdown", options.markdown)):
        if path and not os.access(os.path.dirname(os.path.abspath(path)), os.W_OK):
            raise SystemExit(f"error: {flag} {path}: cannot write to its folder")
    heading = ", ".join([*versions(options), f"{options.threads} threads", f"{options.rounds} turns of each side"])
    print(heading, flush=True)
    everything, notes = [], set()
    for case in options.case or STANDARD:
        turns = {side: [] for side in options.sides}
        for turn in range(options.rounds):
            # The order is reversed in every second turn, so that no side always follows the same one.
            for side in options.sides if turn % 2 == 0 else reversed(options.sides):
                done = ask_rust(options, case) if side == "rust" else ask_python(options, side, case, notes)["figures"]
                turns[side].append(done)
        figures = [entry for side in options.sides for entry in over_rounds(case, turns[side])]
        report(case, figures)
        everything += [{"device": options.device, **entry} for entry in figures]
        if options.json:
            write(options.json, json.dumps(everything, indent=2) + "\n")
        if options.markdown:
            write(options.markdown, markdown(heading, everything))
    return None


if __name__ == "__main__":
    sys.exit(main())
