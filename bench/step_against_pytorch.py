"""Times a training step of the networks of crates/softnce-nn/examples/step.rs in PyTorch, on the CPU.

    python bench/step_against_pytorch.py [--batch 128] [--rounds 5] [--threads 2]
"""

import argparse
import time
from functools import partial

import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList([nn.LayerNorm(width, eps=1e-6) for _ in range(2)])
        self.qkv, self.project = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.expand, self.contract = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        n, length, width = x.shape
        qkv = self.qkv(self.norms[0](x)).reshape(n, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(*qkv.unbind(0)).transpose(1, 2).reshape(n, length, width)
        x = x + self.project(mixed)
        return x + self.contract(F.gelu(self.expand(self.norms[1](x))))


class Vit(nn.Module):
    def __init__(self, width: int = 192, depth: int = 6, heads: int = 3):
        super().__init__()
        self.embed = nn.Linear(48, width)
        self.cls, self.places = nn.Parameter(torch.zeros(1, 1, width)), nn.Parameter(torch.zeros(1, 65, width))
        self.blocks = nn.Sequential(*[Block(width, heads) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(width, eps=1e-6), nn.Linear(width, 100)

    def forward(self, patches):
        x = torch.cat([self.cls.expand(len(patches), -1, -1), self.embed(patches)], 1) + self.places
        return self.head(self.norm(self.blocks(x))[:, 0])


class Residual(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(outputs) for _ in range(2)])
        self.shortcut = nn.Identity()
        if stride > 1:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x):
        y = self.norms[1](self.second(F.relu(self.norms[0](self.first(x)), inplace=True)))
        return F.relu(y + self.shortcut(x), inplace=True)


def resnet() -> nn.Module:
    layers = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True)]
    for inputs, outputs in [(16, 16), (16, 32), (32, 64)]:
        layers.append(Residual(inputs, outputs, outputs // inputs))
        layers += [Residual(outputs, outputs, 1) for _ in range(2)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 100))


def step(model: nn.Module, x: torch.Tensor, labels: torch.Tensor) -> None:
    """One forward and backward pass."""
    model.zero_grad(set_to_none=True)
    F.cross_entropy(model(x), labels).backward()


def timed(rounds: int, call) -> tuple[float, float]:
    """Milliseconds of the fastest call, and the mean CPU time of a call over all threads."""
    call()
    times, before = [], time.process_time()
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return 1e3 * min(times), 1e3 * (time.process_time() - before) / rounds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=128, help="batch size [%(default)s]")
    parser.add_argument("--rounds", type=int, default=5, help="timed steps [%(default)s]")
    parser.add_argument("--threads", type=int, default=2, help="number of threads [%(default)s]")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"PyTorch {torch.__version__}, batch {options.batch}, fastest of {options.rounds}, {options.threads} threads")
    labels = torch.arange(options.batch) % 100
    inputs = {
        "ViT": (Vit(), torch.randn(options.batch, 64, 48)),
        "ResNet": (resnet(), torch.randn(options.batch, 3, 32, 32)),
    }
    for name, (model, x) in inputs.items():
        fastest, processor = timed(options.rounds, partial(step, model, x, labels))
        print(f"{name:6} {fastest:8.1f} ms, {processor:8.1f} ms CPU time")


if __name__ == "__main__":
    main()
