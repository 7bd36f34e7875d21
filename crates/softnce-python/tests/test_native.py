"""The kernels beside the interpreter: threads, forks, memory, the lock."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest
import torch

import softnce
from softnce.torch import soft_target_info_nce


def python(program: str, **environment: str) -> str:
    import os

    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_version_and_stub() -> None:
    from importlib.metadata import version

    assert softnce.__version__ == version("softnce")


def test_threads_follow_pytorch_unless_they_are_set() -> None:
    program = """
import torch, softnce
from softnce.torch import soft_target_info_nce

def used():
    soft_target_info_nce(torch.zeros(2, 3), torch.tensor([0, 1]))
    return softnce.num_threads()

found = [softnce.num_threads()]
for threads in (2, 1, 3):
    torch.set_num_threads(threads)
    found.append(used())
softnce.set_num_threads(5)
found.append(used())
softnce.set_num_threads(None)
print(found, used())
"""
    assert python(program) == "[0, 2, 1, 3, 5] 3"
    with pytest.raises(ValueError, match="threads is 0"):
        softnce.set_num_threads(0)


@pytest.mark.skipif(sys.platform != "linux", reason="it counts the threads of the process")
def test_one_thread_starts_no_others() -> None:
    program = """
import os, torch, softnce
from softnce.torch import soft_target_info_nce
torch.set_num_threads(1)
logits, targets = torch.randn(2048, 500), torch.randint(500, (2048,))
losses, counts = [], [len(os.listdir("/proc/self/task"))]
for threads in (1, 2, 1):
    softnce.set_num_threads(threads)
    losses.append(soft_target_info_nce(logits, targets))
    counts.append(len(os.listdir("/proc/self/task")))
assert torch.equal(losses[0], losses[1]) and torch.equal(losses[0], losses[2])
print(counts[1] == counts[0], counts[2] > counts[1])
"""
    assert python(program) == "True True"


def test_the_compiler_is_not_imported() -> None:
    program = """
import sys, torch
import softnce.torch, softnce.head
from softnce.torch import InfoNCE, MixedTargets, SoftTargetInfoNCE, TargetQueue
criterion = SoftTargetInfoNCE(noise_counts=[1, 2, 3], queue=TargetQueue(4, 3), learn_temperature=True)
logits = torch.zeros(2, 3, requires_grad=True)
criterion(logits, MixedTargets.smoothed([0, 1], 3, 0.1).dense()).backward()
softnce.head.InfoNCEHead(3, 3)(torch.zeros(2, 3), torch.tensor([0, 1])).backward()
print([name for name in ("torch._dynamo", "torch._inductor") if name in sys.modules])
"""
    assert python(program) == "[]"


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="there is no fork")
def test_a_forked_child_computes_too() -> None:
    program = """
import os, torch, softnce
softnce.set_num_threads(2)
from softnce.torch import soft_target_info_nce
torch.set_num_threads(1)
logits, targets = torch.randn(2048, 500), torch.randint(500, (2048,))
expected = soft_target_info_nce(logits, targets)
child = os.fork()
if child == 0:
    os._exit(0 if torch.equal(soft_target_info_nce(logits, targets), expected) else 1)
assert os.waitpid(child, 0)[1] == 0
print("done")
"""
    assert python(program) == "done"


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="there is no fork")
def test_forks_of_forks_and_recognition() -> None:
    program = """
import os, torch, softnce
from softnce.torch import MixedTargets, soft_target_info_nce
rows = MixedTargets.smoothed(torch.randint(1000, (2048,)), 1000, 0.1).dense()
MixedTargets.from_dense(rows)
assert softnce.num_threads() == torch.get_num_threads()

def fork(depth):
    child = os.fork()
    if child == 0:
        MixedTargets.from_dense(rows)
        soft_target_info_nce(torch.zeros(8, 1000), rows)
        if depth:
            fork(depth - 1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0

fork(1)
print("done")
"""
    assert python(program) == "done"


def test_the_lock_is_released() -> None:
    logits, targets = torch.randn(512, 4000), torch.softmax(torch.randn(2048, 4000), 1)
    stamps: list = []
    stop = threading.Event()

    def tick() -> None:
        while not stop.wait(0.001):
            stamps.append(time.perf_counter())

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        for _ in range(5):
            start = time.perf_counter()
            soft_target_info_nce(logits, targets)
            end = time.perf_counter()
            # A thread that waits for the lock gets on before and after the call alone.
            if any(start + 0.01 < stamp < end - 0.002 for stamp in stamps):
                return
    finally:
        stop.set()
        thread.join()
    pytest.fail("no other thread got on while the kernels worked")


def test_nothing_of_the_size_of_rows_by_candidates() -> None:
    # 4,096 x 4,096 scores would be 64 MiB.
    program = """
import resource, torch
from softnce.torch import MixedTargets, soft_target_info_nce
torch.set_num_threads(1)
rows, classes = 4096, 100
first, second = torch.randint(classes, (2, rows))
targets = MixedTargets.mixed(first, second, torch.rand(rows), classes, 0.1)
logits = torch.randn(rows, classes, requires_grad=True)
soft_target_info_nce(logits[:8] * 1, targets).backward()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
soft_target_info_nce(logits, targets).backward()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    pytest.importorskip("resource")
    # In KiB on Linux: the gradient, its copy in .grad and little else.
    if sys.platform == "linux":
        assert int(python(program)) < 16 * 1024
