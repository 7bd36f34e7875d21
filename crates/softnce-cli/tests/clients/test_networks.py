"""torchvision's and timm's networks in and out of the program, with the same logits.

Their weights and statistics of batch normalisation are random.
"""

from __future__ import annotations

import copy
import csv
import io

import numpy as np
import pytest
import timm
import torch
import torchvision
from PIL import Image
from safetensors.torch import load_file

CLASSES = ["a", "b", "c"]
# A linear probe whose steps are too small to change a number: the weights that come out are those that went in.
NO_STEPS = ["network.freeze=body", "optimizer.learning_rate=1e-30", "optimizer.weight_decay=0.0", "loss.kind=nll"]


@torch.no_grad()
def randomised(model: torch.nn.Module, seed: int) -> torch.nn.Module:
    """The network in evaluation mode, with every tensor away from its initial value."""
    torch.manual_seed(seed)
    for name, tensor in model.state_dict().items():
        if name.endswith("running_var") or tensor.dim() == 1 and name.endswith("weight"):
            tensor.uniform_(0.5, 1.5)
        elif tensor.is_floating_point() and tensor.dim() > 1:
            tensor.normal_(std=max(tensor[0].numel(), 4) ** -0.5)
        elif tensor.is_floating_point():
            tensor.normal_(std=0.2)
    return model.eval()


def small(model: torch.nn.Module) -> torch.nn.Module:
    """A residual network with the stem of the form `small`, as docs/recipes.md shows it."""
    model.conv1 = torch.nn.Conv2d(3, 64, 3, padding=1, bias=False)
    model.maxpool = torch.nn.Identity()
    return model


def resnet(depth: int, form: str = "imagenet") -> str:
    return f'kind = "resnet"\ndepth = {depth}\nform = "{form}"'


def torchvision_vit(classes: int = 3) -> torch.nn.Module:
    return torchvision.models.VisionTransformer(
        image_size=32, patch_size=16, num_layers=12, num_heads=3, hidden_dim=192, mlp_dim=768, num_classes=classes
    )


VIT = 'kind = "vit"\npreset = "tiny"\npatch = 16'
# How to make the network, its section in a recipe, height and width of the pictures, and the names that it exports.
NETWORKS = {
    "torchvision-resnet18": (lambda: torchvision.models.resnet18(num_classes=3), resnet(18), (64, 48), "timm"),
    "torchvision-resnet34": (lambda: torchvision.models.resnet34(num_classes=3), resnet(34), (32, 32), "timm"),
    "torchvision-resnet50": (lambda: torchvision.models.resnet50(num_classes=3), resnet(50), (64, 64), "timm"),
    "torchvision-resnet101": (lambda: torchvision.models.resnet101(num_classes=3), resnet(101), (32, 32), "timm"),
    "torchvision-resnet18-small": (
        lambda: small(torchvision.models.resnet18(num_classes=3)),
        'kind = "resnet"\ndepth = 18',
        (16, 16),
        "timm",
    ),
    "torchvision-vit": (torchvision_vit, VIT, (32, 32), "torchvision"),
    "timm-resnet18": (lambda: timm.create_model("resnet18", num_classes=3), resnet(18), (33, 70), "timm"),
    "timm-resnet50": (lambda: timm.create_model("resnet50", num_classes=3), resnet(50), (32, 32), "timm"),
    "timm-resnet50-small": (
        lambda: small(timm.create_model("resnet50", num_classes=3)),
        resnet(50, "small"),
        (8, 12),
        "timm",
    ),
    "timm-vit": (
        lambda: timm.create_model("vit_tiny_patch16_224", num_classes=3, img_size=32),
        VIT,
        (32, 32),
        "timm",
    ),
    "timm-vit-wide": (
        lambda: timm.create_model("vit_tiny_patch16_224", num_classes=3, img_size=(32, 48)),
        VIT,
        (32, 48),
        "timm",
    ),
}


def program_logits(project, run: str, folder: str) -> dict[str, np.ndarray]:
    """The logits that the program predicts, by picture."""
    rows = csv.DictReader(io.StringIO(project.run("predict", run, folder, "--logits").stdout))
    return {row["picture"]: np.array([float(row[f"logit_{name}"]) for name in CLASSES]) for row in rows}


@torch.no_grad()
def torch_logits(project, model: torch.nn.Module, picture: str) -> np.ndarray:
    """The logits of a network in PyTorch for a picture of its size, with the recipe's normalisation."""
    pixels = torch.from_numpy(np.array(Image.open(project / picture))).permute(2, 0, 1)[None]
    return copy.deepcopy(model).eval().double()((pixels / 255 - 0.5).double() / 0.25)[0].numpy()


def assert_same_logits(project, run: str, model: torch.nn.Module, folder: str = "d/val") -> None:
    found = program_logits(project, run, folder)
    assert len(found) == 9
    for picture, logits in found.items():
        expected = torch_logits(project, model, picture)
        assert np.abs(logits - expected).max() <= 1e-5 * np.abs(expected).max(), (picture, logits, expected)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_checkpoint_goes_in_and_out_with_the_same_logits(project, name):
    make, network, size, names = NETWORKS[name]
    model = randomised(make(), seed=1)
    torch.save(model.state_dict(), project / "w.pth")
    project.pictures(size=size[::-1])
    project.recipe(network=network, size=size, epochs=1, more='\n[weights]\npath = "w.pth"\nhead = true')
    changes = [word for change in NO_STEPS for word in ("--set", change)]
    project.run("train", "r.toml", "--data", ".", *changes)
    assert_same_logits(project, "runs/t", model)

    project.run("export", "runs/t", "w.safetensors", "--names", names)
    tensors, expected = load_file(project / "w.safetensors"), model.state_dict()
    expected = {key: tensor for key, tensor in expected.items() if not key.endswith("num_batches_tracked")}
    assert tensors.keys() == expected.keys()
    assert all(torch.equal(tensors[key], tensor) for key, tensor in expected.items())
    fresh = make()
    fresh.load_state_dict(tensors)
    assert_same_logits(project, "runs/t", fresh)


@pytest.mark.parametrize("name", ["torchvision-resnet18", "timm-resnet50-small", "torchvision-vit", "timm-vit"])
def test_a_trained_network_comes_out_with_the_same_logits(project, name):
    make, network, size, names = NETWORKS[name]
    project.pictures(size=size[::-1])
    project.recipe(network=network, size=size, epochs=2)
    project.run("train", "r.toml", "--data", ".")
    project.run("export", "runs/t", "w.safetensors", "--names", names)
    model = make()
    model.load_state_dict(load_file(project / "w.safetensors"))
    assert_same_logits(project, "runs/t", model)


def test_a_published_checkpoint_starts_a_training_on_other_classes(project):
    project.pictures()
    torch.save(torchvision.models.resnet18().state_dict(), project / "resnet18.pth")
    weights = '\n[weights]\npath = "resnet18.pth"'
    project.recipe(network=resnet(18), size=(32, 32), epochs=1, more=weights)
    project.run("train", "r.toml", "--data", ".")
    # Without the form it is the network for small pictures, and the message says what to change.
    project.recipe(network='kind = "resnet"\ndepth = 18', size=(32, 32), epochs=1, more=weights)
    message = project.run("train", "r.toml", "--data", ".", "--out", "runs/other", code=2).stderr
    assert "conv1.weight" in message and "[64, 3, 7, 7]" in message and "[64, 3, 3, 3]" in message, message
    assert 'depth = 18, form = "imagenet"' in message, message


@pytest.mark.parametrize("name", ["wide_resnet50_2", "resnext50_32x4d", "seresnet50", "resnet26", "resnet50d"])
def test_relatives_of_residual_networks_are_refused_by_name(project, name):
    project.pictures()
    torch.save(timm.create_model(name, num_classes=3).state_dict(), project / "w.pth")
    project.recipe(network=resnet(50), size=(32, 32), epochs=1, more='\n[weights]\npath = "w.pth"\nhead = true')
    message = project.run("train", "r.toml", "--data", ".", code=2).stderr
    assert f"the checkpoint is of {name}" in message and "which this program does not have" in message, message


def test_a_probe_trains_the_head_alone(project):
    project.pictures(size=(32, 32))
    model = randomised(torchvision.models.resnet18(), seed=2)
    torch.save(model.state_dict(), project / "w.pth")
    more = '\n[weights]\npath = "w.pth"'
    for freeze, trained in [('"body"', ["fc."]), ("9", ["fc."]), ("8", ["fc.", "layer4.1."])]:
        project.recipe(network=resnet(18) + f"\nfreeze = {freeze}", size=(32, 32), epochs=2, more=more)
        project.run(
            "train", "r.toml", "--data", ".", "--out", "runs/" + freeze.strip('"'), "--set", "optimizer.average=0.9"
        )
        project.run("export", "runs/" + freeze.strip('"'), "w.safetensors")
        for name, tensor in load_file(project / "w.safetensors").items():
            kept = not any(name.startswith(prefix) for prefix in trained)
            same = tensor.shape == model.state_dict()[name].shape and torch.equal(tensor, model.state_dict()[name])
            assert same == kept, (freeze, name)
    shown = project.run("train", "r.toml", "--data", ".", "--dry-run", "--set", "network.freeze=body").stdout
    assert "# parameters: 11178051, 1539 of them trained" in shown, shown
    message = project.run(
        "train", "r.toml", "--data", ".", "--set", "network.freeze=10", "--out", "runs/x", code=2
    ).stderr
    assert "freeze is 10" in message and "from 1 to 9" in message, message
