#!/usr/bin/env python3
"""Times a training step of heads over 1,000 to 10,000,000 classes, and measures the memory of each, in one run.

Every measurement has its own process, one after the other. All have N rows of D features, hard labels with a long
tail, single precision, and Adagrad:

  program             softnce train, candidates of the batch: its rows, the step, and the changed rows
  program_bf16        the same with class weights in bfloat16
  program_drawn       the same with 1,024 classes drawn for each batch (sampled softmax)
  program_full        the same with all classes as candidates, whose gradient is that of softmax cross-entropy
  package             softnce.head.InfoNCEHead and softnce.optim.RowAdagrad in PyTorch, candidates of the batch
  torch_full          torch.nn.functional.cross_entropy of all logits
  torch_sampled       sampled softmax written out in PyTorch: embedding rows, 1,024 classes, torch.optim.Adagrad

A process may take the memory that is available when the run begins, less 1 GiB; "out of memory" is one that needs
more. The time of a step is the median, of the program the mean over its last steps; memory is the largest resident
set of the process. The steps of the program also generate their rows, in another thread.

This needs PyTorch, the package and the built program (cargo build --release); --figure needs matplotlib:

  python bench/many_classes.py --json many_classes.json --markdown many_classes.md --figure many_classes.svg
  python bench/many_classes.py --classes 1000,100000 --methods package,torch_sampled
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

METHODS = [
    "program",
    "program_bf16",
    "program_drawn",
    "program_full",
    "package",
    "torch_full",
    "torch_sampled",
]
CLASSES = [1000, 10_000, 100_000, 1_000_000, 10_000_000]
DRAWN = 1024
RATE = 0.05
# Steps of the program before those that are timed, and these.
BEFORE, TIMED = 100, 200
# A process in PyTorch makes steps until both are reached.
LEAST_STEPS, LEAST_SECONDS = 3, 4.0
CHANGES = {
    "program": [],
    "program_bf16": ['head.storage.weights="bf16"'],
    "program_drawn": [f'candidates={{kind="classes", count={DRAWN}}}'],
    "program_full": ['candidates={kind="classes"}'],
}
LABELS = {
    "program": "softnce program",
    "program_bf16": "softnce program, bf16",
    "program_drawn": "softnce program, classes drawn",
    "program_full": "softnce program, all classes",
    "package": "softnce in PyTorch",
    "torch_full": "PyTorch, cross-entropy of all classes",
    "torch_sampled": "PyTorch, sampled softmax",
}


def available() -> int:
    """Bytes of memory that are available."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return 1024 * int(line.split()[1])
    raise SystemExit("/proc/meminfo names no MemAvailable: this needs Linux")


def long_tailed(classes: int, shape: tuple):
    """Labels whose probabilities are those of the program's rows: in proportion to 1 / (class + 1)."""
    import numpy as np

    cumulated = np.cumsum(1.0 / np.arange(1, classes + 1))
    uniform = np.random.default_rng(0).random(shape) * cumulated[-1]
    return np.searchsorted(cumulated, uniform).clip(max=classes - 1), 1.0 / np.arange(1, classes + 1)


def in_torch(method: str, classes: int, rows: int, width: int) -> list:
    """Seconds of each step of a method in PyTorch, after the first ones."""
    import torch
    from torch.nn import functional as F

    torch.manual_seed(0)
    labels, frequencies = long_tailed(classes, (8, rows))
    batches = [(torch.randn(rows, width), torch.from_numpy(of_batch)) for of_batch in labels]
    if method == "package":
        from softnce.head import InfoNCEHead
        from softnce.optim import RowAdagrad

        head = InfoNCEHead(width, classes, noise_counts=torch.from_numpy(frequencies))
        optimizer = RowAdagrad(head.parameters(), lr=RATE)
        loss = head
    elif method == "torch_full":
        weight = torch.zeros(classes, width, requires_grad=True)
        optimizer = torch.optim.Adagrad([weight], lr=RATE)

        def loss(features, labels):
            return F.cross_entropy(features @ weight.T, labels)

    else:
        embedding = torch.nn.Embedding(classes, width, sparse=True, _weight=torch.zeros(classes, width))
        optimizer = torch.optim.Adagrad(embedding.parameters(), lr=RATE)
        probabilities = torch.from_numpy(frequencies / frequencies.sum())
        cumulated = probabilities.cumsum(0)
        expected = (DRAWN * probabilities).log().float()

        def loss(features, labels):
            drawn = torch.searchsorted(cumulated, torch.rand(DRAWN, dtype=cumulated.dtype)).clamp_(max=classes - 1)
            own = (features * embedding(labels)).sum(1) - expected[labels]
            others = features @ embedding(drawn).T - expected[drawn]
            # A draw of the row's own class is no other class.
            others = others.masked_fill(drawn[None, :] == labels[:, None], float("-inf"))
            scores = torch.cat([own[:, None], others], 1)
            return F.cross_entropy(scores, torch.zeros(len(labels), dtype=torch.long))

    times, begin = [], None
    while begin is None or len(times) < LEAST_STEPS or time.perf_counter() - begin < LEAST_SECONDS:
        features, labels = batches[len(times) % len(batches)]
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        loss(features, labels).backward()
        optimizer.step()
        times.append(time.perf_counter() - start)
        # The first steps take memory from the system.
        if begin is None and (len(times) == 2 or times[0] > LEAST_SECONDS):
            times, begin = [], time.perf_counter()
    return times


def command(method: str, classes: int, options: argparse.Namespace, out: Path) -> list:
    """The command of a measurement."""
    if method not in CHANGES:
        here = [sys.executable, __file__, "--rows", str(options.rows), "--width", str(options.width)]
        return [*here, "--one", method, "--classes", str(classes)]
    # Few rows of the test part, since an evaluation takes all classes; few steps where each takes seconds.
    steps = 3 if method == "program_full" and classes > 30_000 else BEFORE + TIMED
    changes = [
        f"data.rows.classes={classes}",
        f"data.rows.columns={options.width}",
        f"training.batch_size={options.rows}",
        f"optimizer.learning_rate={RATE}",
        f"schedule.steps={steps}",
        f"evaluation.every={max(steps // 3, 1)}",
        "evaluation.rows=1",
        "evaluation.k=[1]",
        "training.checkpoint_seconds=1e9",
        "training.changed_mib=1000000",
        *CHANGES[method],
    ]
    sets = [word for change in changes for word in ("--set", change)]
    return [str(options.softnce), "train", "many-classes", *sets, "--out", str(out), "--force"]


def step_of_program(out: Path) -> float:
    """Mean seconds of the steps after the first evaluation."""
    history = json.loads((out / "results.json").read_text())["history"]
    first, last = history[0], history[-1]
    return (last["seconds"] - first["seconds"]) / (last["step"] - first["step"])


def measure(method: str, classes: int, options: argparse.Namespace, limit: int) -> dict:
    """The time of a step in ms and the memory in MiB; neither if the memory does not suffice."""
    found = {"method": method, "classes": classes}
    with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
        out, log = Path(folder) / "run", Path(folder) / "log"
        with log.open("w+") as errors:
            process = subprocess.Popen(
                command(method, classes, options, out),
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)),
            )
            printed = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            errors.seek(0)
            told = errors.read()
        if status != 0:
            if "memory" in told.lower() or os.WIFSIGNALED(status):
                return found
            raise SystemExit(f"{method}, {classes} classes: {told}")
        times = [step_of_program(out)] if method in CHANGES else json.loads(printed)
    return {**found, "step_ms": 1e3 * statistics.median(times), "memory_mib": usage.ru_maxrss / 1024}


def cells(results: list, key: str, decimals: int) -> list:
    """A row of cells for each method."""
    by = {(one["method"], one["classes"]): one.get(key) for one in results}
    methods = [method for method in METHODS if any(one["method"] == method for one in results)]
    classes = sorted({one["classes"] for one in results})

    def cell(method: str, count: int) -> str:
        if (method, count) not in by:
            return ""
        value = by[method, count]
        return "out of memory" if value is None else f"{value:,.{decimals}f}"

    head = f"| | {' | '.join(f'{count:,}' for count in classes)} |\n| --- |{' ---: |' * len(classes)}"
    rows = [f"| {LABELS[method]} | {' | '.join(cell(method, count) for count in classes)} |" for method in methods]
    return [head, *rows]


def markdown(results: list) -> str:
    """The tables."""
    tables = [("Milliseconds of a step", "step_ms", 1), ("Memory of the process, MiB", "memory_mib", 0)]
    return "\n".join(f"{title}\n\n" + "\n".join(cells(results, key, places)) + "\n" for title, key, places in tables)


def figure(results: list, path: Path) -> None:
    """Time and memory against the number of classes."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "softnce", "svg.fonttype": "none", "font.family": "sans-serif"})
    from matplotlib import pyplot

    drawing, panels = pyplot.subplots(1, 2, figsize=(10, 4.2))
    styles = zip(METHODS, "osD^vXP", ["-", "-", "-", "-", "--", ":", ":"])
    colours = ["#0072b2", "#56b4e9", "#009e73", "#332288", "#0072b2", "#d55e00", "#cc79a7"]
    for (method, marker, dash), colour in zip(styles, colours):
        own = [one for one in results if one["method"] == method and "step_ms" in one]
        if not own:
            continue
        classes = [one["classes"] for one in own]
        for panel, key, factor in zip(panels, ["step_ms", "memory_mib"], [1.0, 1 / 1024]):
            values = [factor * one[key] for one in own]
            panel.plot(classes, values, dash, marker=marker, color=colour, label=LABELS[method], markersize=5)
    for panel, title in zip(panels, ["time of a step, ms", "memory of the process, GiB"]):
        panel.set(xscale="log", yscale="log", xlabel="classes", title=title)
        panel.grid(True, color="#dddddd", linewidth=0.6)
    handles, labels = panels[0].get_legend_handles_labels()
    drawing.legend(handles, labels, loc="lower center", ncol=4, frameon=False, fontsize=8)
    drawing.tight_layout(rect=(0, 0.11, 1, 1))
    drawing.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    listed = {"type": lambda text: text.split(",")}
    parser.add_argument("--classes", default=",".join(map(str, CLASSES)), help="numbers of classes [%(default)s]")
    parser.add_argument("--methods", **listed, default=METHODS, help="what is measured [all]")
    parser.add_argument("--rows", type=int, default=1024, help="rows N of a step [%(default)s]")
    parser.add_argument("--width", type=int, default=256, help="features D of a row [%(default)s]")
    parser.add_argument(
        "--softnce", type=Path, default=Path("target/release/softnce"), help="the program [%(default)s]"
    )
    parser.add_argument("--scratch", help="folder for the files of the runs [the system's]")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    parser.add_argument("--markdown", type=Path, help="write the tables to this file")
    parser.add_argument("--figure", type=Path, help="draw the results to this SVG file")
    parser.add_argument("--one", choices=METHODS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    classes = [int(count) for count in options.classes.split(",")]
    if options.one:
        print(json.dumps(in_torch(options.one, classes[0], options.rows, options.width)))
        return
    unknown = [method for method in options.methods if method not in METHODS]
    if unknown:
        parser.error(f"--methods: {', '.join(unknown)}, expected some of {', '.join(METHODS)}")
    limit = available() - (1 << 30)
    results = []
    for count in classes:
        for method in options.methods:
            one = measure(method, count, options, limit)
            results.append(one)
            told = f"{one['step_ms']:.1f} ms, {one['memory_mib']:.0f} MiB" if "step_ms" in one else "out of memory"
            print(f"{count:>10,} classes, {LABELS[method]}: {told}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    text = markdown(results)
    print(f"\n{text}")
    if options.markdown:
        options.markdown.write_text(text)
    if options.figure:
        figure(results, options.figure)


if __name__ == "__main__":
    main()
