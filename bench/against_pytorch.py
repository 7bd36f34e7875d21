#!/usr/bin/env python3
"""Times softnce beside PyTorch on the CPU, case by case, and prints the ratios.

Each side runs in a process of its own, the two in turns, and never both at once: PyTorch's threads spin while they wait,
and its small cases slow down a hundredfold where another process has its cores. Every call computes the loss and its
gradient with respect to the logits, in single precision.

PyTorch's ways to the same loss (none of them is in PyTorch itself):

  torch_reference           the definition, (S[:, None, :] * W[None, :, :]).sum(-1), through an N x M x d tensor
  torch_matmul              cross_entropy(S @ W.T, positives)
  torch_gather              two gathers in place of the product, cross_entropy after them
  torch_soft_cross_entropy  soft target cross-entropy of the N rows' own targets, the loss that is replaced

Needs a built program (cargo build --release) and PyTorch. For example:

  python bench/against_pytorch.py --json against_pytorch.json
  python bench/against_pytorch.py --case 128,1024,1000 --rounds 3
"""

import argparse
import ctypes
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

STANDARD = [
    (128, 128, 10),
    (128, 1024, 200),
    (128, 1024, 1000),
    (1024, 1024, 1000),
    (4096, 4096, 1000),
    (1024, 1024, 21841),
    (256, 65536, 1000),
]
SOFTNCE_PATHS = ["compact", "recognised", "dense", "hard", "soft_cross_entropy", "nll"]
SMOOTHING = 0.1

# What is compared with what: (softnce's path, PyTorch's way).
PAIRS = [
    ("compact", "torch_reference"),
    ("compact", "torch_matmul"),
    ("compact", "torch_gather"),
    ("compact", "torch_soft_cross_entropy"),
    ("recognised", "torch_soft_cross_entropy"),
    ("dense", "torch_matmul"),
    ("soft_cross_entropy", "torch_soft_cross_entropy"),
]


def parse_case(text):
    """Reads N,M,D."""
    try:
        rows, candidates, classes = (int(size) for size in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}, expected N,M,D as three whole numbers") from None
    if min(rows, candidates, classes) < 1 or candidates < rows:
        raise argparse.ArgumentTypeError(f"{text!r}, expected numbers from 1 on, and M at least N")
    return rows, candidates, classes


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
    parser.add_argument("--rounds", type=positive(int), default=5, help="turns of each side [%(default)s]")
    parser.add_argument("--seconds", type=positive(float), default=0.5, help="time for each path a turn [%(default)s]")
    parser.add_argument("--threads", type=positive(int), default=os.cpu_count() or 1, help="threads [%(default)s]")
    parser.add_argument("--memory-cap", metavar="GIB", type=positive(float), default=2.0, dest="cap",
                        help="largest tensor of torch_reference, in GiB [%(default)s]")
    parser.add_argument("--softnce", metavar="PROGRAM", default="target/release/softnce", help="[%(default)s]")
    parser.add_argument("--json", metavar="FILE", help="writes every figure: a list of {n, m, d, path, ...}")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    return parser.parse_args()


# The side of PyTorch, in a process of its own.


def resident(field):
    """A field of this process's memory in bytes; None where the system does not tell."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            for line in status:
                if line.startswith(field + ":"):
                    return 1024 * int(line.split()[1])
    except OSError:
        pass
    return None


def extra_bytes(call, result):
    """The most memory a call takes beyond what was there and the bytes of its result."""
    gc.collect()
    try:
        # What was freed goes back to the system, so that it counts where it is taken again.
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        pass
    try:
        # The largest resident set is counted from here on.
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


def samples(call, seconds):
    """Times of calls in milliseconds, short ones several to a sample."""
    start = time.perf_counter()
    call()
    took = max(time.perf_counter() - start, 1e-6)
    if took < seconds:
        start = time.perf_counter()
        call()
        took = max(time.perf_counter() - start, 1e-6)
    loops = max(1, int(1e-3 / took))
    out = []
    end = time.perf_counter() + seconds
    while not out or (time.perf_counter() < end and len(out) < 2000) or (len(out) < 3 and took < seconds):
        start = time.perf_counter()
        for _ in range(loops):
            call()
        out.append((time.perf_counter() - start) * 1e3 / loops)
    return out


def torch_calls(case, cap):
    """The calls by name, and the bytes of the gradient."""
    import torch
    import torch.nn.functional as F

    rows, candidates, classes = case
    torch.manual_seed(0)
    logits = torch.randn(rows, classes, requires_grad=True)
    first, second = torch.randint(classes, (candidates,)), torch.randint(classes, (candidates,))
    weight = torch.rand(candidates, 1)
    targets = torch.full((candidates, classes), SMOOTHING / classes)
    targets.scatter_add_(1, first[:, None], (1 - SMOOTHING) * weight)
    targets.scatter_add_(1, second[:, None], (1 - SMOOTHING) * (1 - weight))
    own = targets[:rows].contiguous()
    positives = torch.arange(rows)
    # The noise is uniform: its logarithm is a constant, which the definition has all the same.
    log_noise = torch.full((classes,), 1 / classes).log()

    def step(loss):
        logits.grad = None
        loss().backward()

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

    def soft_cross_entropy():
        return torch.sum(-own * F.log_softmax(logits, dim=-1), dim=-1).mean()

    calls = {
        "torch_matmul": matmul,
        "torch_gather": gather,
        "torch_soft_cross_entropy": soft_cross_entropy,
    }
    if 4 * rows * candidates * classes <= cap * 2**30:
        calls = {"torch_reference": reference, **calls}
    # The three ways agree, or their times are worth nothing.
    if candidates * rows < 1 << 24:
        gradients = []
        for name in calls:
            if name != "torch_soft_cross_entropy":
                step(calls[name])
                gradients.append((name, logits.grad.clone()))
        for name, gradient in gradients[1:]:
            off = (gradient - gradients[0][1]).abs().max() / gradients[0][1].abs().max()
            if not off < 1e-3:
                raise SystemExit(f"error: {name} differs from {gradients[0][0]} by {off:.1e} at {case}")
    return {name: (lambda loss=loss: step(loss)) for name, loss in calls.items()}, 4 * rows * classes


def worker(arguments):
    """Measures PyTorch at one case and prints the figures as JSON."""
    import torch

    torch.set_num_threads(arguments.threads)
    (case,) = arguments.case
    calls, result = torch_calls(case, arguments.cap)
    figures = []
    for name, call in calls.items():
        call()
        extra = extra_bytes(call, result)
        times = samples(call, arguments.seconds)
        figures.append(figure(case, name, statistics.median(times), min(times), extra))
    json.dump({"version": torch.__version__, "figures": figures}, sys.stdout)


def figure(case, path, median, least, extra):
    rows, candidates, classes = case
    return {"n": rows, "m": candidates, "d": classes, "path": path, "median_ms": median, "min_ms": least,
            "extra_bytes": extra}


# The side that asks both.


def ask_torch(arguments, case):
    command = [sys.executable, os.path.abspath(__file__), "--worker", "torch", "--case", ",".join(map(str, case))]
    command += ["--threads", str(arguments.threads), "--seconds", str(arguments.seconds)]
    command += ["--memory-cap", str(arguments.cap)]
    environment = dict(os.environ, OMP_NUM_THREADS=str(arguments.threads))
    done = subprocess.run(command, stdout=subprocess.PIPE, env=environment, check=False)
    if done.returncode != 0:
        raise SystemExit(f"error: the side of PyTorch failed at {case} with code {done.returncode}")
    answer = json.loads(done.stdout)
    return answer["version"], answer["figures"]


def ask_softnce(arguments, case):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "figures.json")
        command = [arguments.softnce, "bench", "--case", ",".join(map(str, case)), "--json", out]
        command += ["--paths", ",".join(SOFTNCE_PATHS), "--out", os.path.join(folder, "run")]
        command += ["--threads", str(arguments.threads), "--seconds", str(arguments.seconds)]
        try:
            done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        except OSError as error:
            raise SystemExit(f"error: {arguments.softnce}: {error.strerror}; build it with cargo build --release") from None
        if done.returncode != 0:
            raise SystemExit(f"error: softnce failed at {case}:\n{done.stderr.decode(errors='replace')}")
        with open(out, encoding="utf-8") as file:
            return json.load(file)


def over_rounds(case, turns):
    """The median over the turns of each path's medians, the least of all, the largest extra memory."""
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
    print(f"  {'path':26}{'median ms':>12}{'least ms':>12}{'extra memory':>14}")
    for entry in figures:
        print(f"  {entry['path']:26}{entry['median_ms']:12.4f}{entry['min_ms']:12.4f}{size(entry['extra_bytes']):>14}")
    for ours, theirs in PAIRS:
        if ours in by_path and theirs in by_path:
            ratio = by_path[theirs]["median_ms"] / by_path[ours]["median_ms"]
            print(f"  {theirs} / {ours}: {ratio:,.2f}" if ratio < 100 else f"  {theirs} / {ours}: {ratio:,.0f}")
    sys.stdout.flush()


def write(path, figures):
    """Whole or not at all."""
    folder = os.path.dirname(os.path.abspath(path))
    with tempfile.NamedTemporaryFile("w", dir=folder, prefix=".softnce-", delete=False, encoding="utf-8") as file:
        json.dump(figures, file, indent=2)
        file.write("\n")
    os.replace(file.name, path)


def main():
    options = arguments()
    if options.worker:
        return worker(options)
    if options.json:
        folder = os.path.dirname(os.path.abspath(options.json))
        if not os.access(folder, os.W_OK):
            raise SystemExit(f"error: --json {options.json}: its folder cannot be written")
    everything = []
    for number, case in enumerate(options.case or STANDARD):
        theirs, ours = [], []
        for turn in range(options.rounds):
            sides = [("torch", theirs), ("softnce", ours)]
            for side, turns in sides if turn % 2 == 0 else reversed(sides):
                if side == "torch":
                    version, figures = ask_torch(options, case)
                    if number == 0 and not turns:
                        print(f"PyTorch {version}, {options.threads} threads, {options.rounds} turns of each side")
                    turns.append(figures)
                else:
                    turns.append(ask_softnce(options, case))
        figures = over_rounds(case, theirs) + over_rounds(case, ours)
        report(case, figures)
        everything += figures
        if options.json:
            write(options.json, everything)
    return None


if __name__ == "__main__":
    main()
