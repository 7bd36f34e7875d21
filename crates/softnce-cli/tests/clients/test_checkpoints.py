"""Checkpoints of PyTorch, timm and torchvision as training starts from them, under every name and in every form."""

from __future__ import annotations

import argparse
import collections
import io
import pickle
import struct
import tarfile
import warnings
import zipfile

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from timm.models.vision_transformer import VisionTransformer

NETWORK = 'kind = "vit"\npatch = 8\nwidth = 32\ndepth = 1\nheads = 2'


def vit(**options):
    """A transformer whose tensors all differ from every initial value."""
    sizes = {"img_size": 16, "patch_size": 8, "embed_dim": 32, "depth": 1, "num_heads": 2, "num_classes": 3}
    model = VisionTransformer(**{**sizes, **options})
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return model


@pytest.fixture
def start(project):
    """Trains from a checkpoint at a rate that changes nothing and returns the process and the exported tensors."""
    project.pictures()

    def run(file, code=0, more="head = true", network=NETWORK, size=(16, 16)):
        project.recipe(network=network, size=size, epochs=1, more=f'[weights]\npath = "{file}"\n{more}\n')
        rate = ("--set", "optimizer.learning_rate=1e-30")
        done = project.run("train", "r.toml", "--data", ".", "--out", f"runs/{run.count}", *rate, code=code)
        if code:
            return done, None
        project.run("export", f"runs/{run.count}", "out.safetensors")
        run.count += 1
        return done, load_file(project / "out.safetensors")

    run.count = 0
    return run


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(
            found[name], tensor.float(), rtol=0, atol=0, msg=lambda text, name=name: f"{name}: {text}"
        )


def test_the_content_tells_the_format(project, start):
    weights = vit().state_dict()
    for name in ("plain.pth", "model_best.pth.tar", "last.ckpt", "plain.PTH", "pytorch_model.bin", "weights"):
        torch.save({"epoch": 3, "state_dict": weights}, project / name)
        assert_same(start(name)[1], weights)
    for name in ("weights.pth", "model"):
        save_file(weights, project / name)
        assert_same(start(name)[1], weights)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("archive", [True, False])
def test_every_pickle_protocol_and_the_format_before_1_6(project, start, protocol, archive):
    weights = vit().state_dict()
    saved = {"model": weights, "optimizer": {"state": {0: {"step": 1, "exp_avg": torch.zeros(3)}}}, "epoch": 1}
    torch.save(saved, project / "w.pth", pickle_protocol=protocol, _use_new_zipfile_serialization=archive)
    assert_same(start("w.pth")[1], weights)


def test_the_flag_for_the_order_of_bytes_before_1_6(project, start):
    """PyTorch writes the lowest byte first on every machine, and does not look at the flag."""
    weights = vit().state_dict()
    torch.save(weights, project / "w.pth", _use_new_zipfile_serialization=False)
    content = bytearray((project / "w.pth").read_bytes())
    flag = content.index(b"\x88", content.index(b"little_endian"))
    content[flag] = 0x89
    (project / "w.pth").write_bytes(content)
    assert_same(torch.load(project / "w.pth"), weights)
    assert_same(start("w.pth")[1], weights)


def test_the_format_before_0_1_10(project, start):
    weights = vit().state_dict()
    tar(project / "old.pth.tar", {"state_dict": weights})
    loaded = torch.load(project / "old.pth.tar", weights_only=False)["state_dict"]
    assert_same(loaded, weights)
    assert_same(start("old.pth.tar")[1], weights)


def tar(path, value):
    """Writes a tar archive as PyTorch did before 0.1.10; PyTorch still reads it."""
    tensors = []

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            if not isinstance(value, torch.Tensor):
                return None
            tensors.append(value)
            return str(len(tensors))

    pickled, storages, geometry = io.BytesIO(), io.BytesIO(), io.BytesIO()
    Pickler(pickled, 2).dump(value)
    pickle.dump(len(tensors), storages, 2)
    pickle.dump(len(tensors), geometry, 2)
    for number, tensor in enumerate(tensors, 1):
        pickle.dump((1000 + number, "cpu", torch.FloatStorage), storages, 2)
        values = tensor.contiguous().numpy()
        storages.write(struct.pack("<q", values.size) + values.tobytes())
        pickle.dump((number, 1000 + number, torch.FloatTensor), geometry, 2)
        strides = tensor.contiguous().stride()
        geometry.write(struct.pack(f"<ii{2 * tensor.ndim + 1}q", tensor.ndim, 0, *tensor.shape, *strides, 0))
    pickle.dump([], storages, 2)
    system = {"protocol_version": 1000, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    parts = {"sys_info": pickle.dumps(system, 2), "pickle": pickled, "tensors": geometry, "storages": storages}
    with tarfile.open(path, "w:", format=tarfile.PAX_FORMAT) as archive:
        for name, content in parts.items():
            content = content if isinstance(content, bytes) else content.getvalue()
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def test_prefixes_of_wrappers_come_off(project, start):
    weights = vit().state_dict()
    prefixes = [
        *("module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.", "model.", "net.", "backbone."),
        *("model._orig_mod.", "module.model.module.", "a.b.c."),
    ]
    for prefix in prefixes:
        named = {prefix + name: tensor for name, tensor in weights.items()}
        torch.save(named, project / "w.pth")
        assert_same(start("w.pth")[1], weights)
        save_file(named, project / "w.safetensors")
        assert_same(start("w.safetensors")[1], weights)
    for outer in (["state_dict"], ["model_state_dict"], ["model", "state_dict"], ["ckpt", "net"], ["ema"]):
        value = {"module." + name: tensor for name, tensor in weights.items()}
        for key in reversed(outer):
            value = {key: value, "epoch": 1}
        torch.save(value, project / "nested.pth")
        assert_same(start("nested.pth")[1], weights)
    # A module compiled by itself, within another one.
    inner = {name.replace("blocks.0.", "blocks.0._orig_mod."): tensor for name, tensor in weights.items()}
    torch.save({"state_dict": inner}, project / "inner.pth")
    assert_same(start("inner.pth")[1], weights)


def test_real_wrappers(project, start):
    weights = vit().state_dict()
    compiled = torch.compile(vit(), backend="eager")
    torch.save(compiled.state_dict(), project / "compiled.pth")
    assert_same(start("compiled.pth")[1], weights)
    torch.save(torch.nn.DataParallel(vit()).state_dict(), project / "parallel.pth")
    assert_same(start("parallel.pth")[1], weights)
    # Its state dictionary also counts the models that were averaged.
    torch.save({"model_ema": torch.optim.swa_utils.AveragedModel(vit()).state_dict()}, project / "averaged.pth")
    assert_same(start("averaged.pth")[1], weights)


def test_a_head_of_another_name_beside_the_network(project, start):
    weights = vit().state_dict()
    for body, head in (("backbone.", "head.fc."), ("model.backbone.", "model.classifier."), ("", "fc.")):
        renamed = {
            name.replace("head.", head) if name.startswith("head.") else body + name: tensor
            for name, tensor in weights.items()
        }
        torch.save({"state_dict": renamed}, project / "w.pth")
        assert_same(start("w.pth")[1], weights)
    torch.save(
        {"backbone." + name: tensor for name, tensor in vit(num_classes=0).state_dict().items()}, project / "w.pth"
    )
    done, _ = start("w.pth", code=2)
    assert "head.weight [3, 32]" in done.stderr and "weights.head = false" in done.stderr, done.stderr
    found = start("w.pth", more="head = false")[1]
    body = {name: tensor for name, tensor in weights.items() if not name.startswith("head.")}
    assert_same({name: found[name] for name in body}, body)


def test_tensors_beside_the_weights_are_left_out_on_request(project, start):
    weights = vit().state_dict()
    torch.save({**weights, "criterion.weight": torch.ones(3)}, project / "w.pth")
    done, _ = start("w.pth", code=2)
    assert "criterion.weight" in done.stderr and "weights.ignore_unknown" in done.stderr, done.stderr
    done, found = start("w.pth", more="head = true\nignore_unknown = true")
    assert_same(found, weights)
    assert "criterion.weight" in done.stderr, done.stderr


def test_lightning(project, start):
    weights = vit().state_dict()
    saved = {
        "epoch": 4,
        "pytorch-lightning_version": "2.5.0",
        "state_dict": {
            **{"model." + name: tensor for name, tensor in weights.items()},
            "criterion.weight": torch.ones(3),
            "train_accuracy.total": torch.tensor(7),
        },
        "callbacks": {"ModelCheckpoint": {"best_model_score": torch.tensor(0.5), "dirpath": None}},
        "optimizer_states": [
            {"state": {0: {"exp_avg": torch.zeros(32)}}, "param_groups": [{"lr": 0.1, "params": [0]}]}
        ],
        "hyper_parameters": argparse.Namespace(lr=0.1),
    }
    torch.save(saved, project / "last.ckpt")
    assert_same(start("last.ckpt")[1], weights)


def test_averaged_weights_are_taken_and_named(project, start):
    plain, averaged = vit().state_dict(), {name: tensor + 1 for name, tensor in vit().state_dict().items()}
    for pair in (("state_dict", "state_dict_ema"), ("model", "model_ema"), ("model", "ema"), ("net", "ema_state_dict")):
        torch.save({pair[0]: plain, pair[1]: averaged}, project / "w.pth")
        done, found = start("w.pth")
        assert_same(found, averaged)
        assert f"below {pair[1]}" in done.stderr and f"also has them at {pair[0]}" in done.stderr, done.stderr
        assert_same(start("w.pth", more=f'head = true\nprefix = "{pair[0]}"')[1], plain)
    torch.save({"student": plain, "teacher": averaged}, project / "two.pth")
    done, _ = start("two.pth", code=2)
    assert "two.pth" in done.stderr and "weights.prefix" in done.stderr, done.stderr
    assert_same(start("two.pth", more='head = true\nprefix = "teacher"')[1], averaged)
    done, _ = start("two.pth", code=2, more='prefix = "other"')
    assert "student" in done.stderr and "other" in done.stderr, done.stderr


class Config:
    """A class that only this test knows."""

    def __init__(self):
        self.values, self.tensor = [1, 2], torch.zeros(2)


def test_what_is_not_needed_is_not_read(project, start):
    weights = vit().state_dict()
    ordered = collections.OrderedDict(weights)
    ordered._metadata = {"": {"version": 1}}
    beside = {
        "dict": {"loss": [1.0]},
        "defaultdict": collections.defaultdict(list, loss=[1.0]),
        "nested": collections.defaultdict(lambda_free, a=collections.defaultdict(dict)),
        "counter": collections.Counter("abca"),
        "deque": collections.deque([1, 2], maxlen=3),
        "namespace": argparse.Namespace(lr=1e-3, betas=(0.9, 0.95)),
        "scalar": np.float64(0.3),
        "array": np.arange(6).reshape(2, 3),
        "generator": np.random.default_rng(0),
        "state": np.random.get_state(),
        "rng": torch.get_rng_state(),
        "set": {1, "two"},
        "object": Config(),
        "path": project / "x",
        "dtype": torch.bfloat16,
        "device": torch.device("cpu"),
        "size": torch.Size([1, 2]),
        "complex": torch.zeros(2, dtype=torch.complex64),
        "sparse": torch.eye(3).to_sparse(),
        "quantised": torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.quint8),
        "small": torch.ones(3).to(torch.float8_e4m3fn),
        "meta": torch.empty(3, device="meta"),
        "long": "x" * 100_000,
        "history": [(step, {"loss": float(step)}) for step in range(400_000)],
        "large": 2**200,
        "bytes": b"\x00\xff" * 1000,
        "function": np.mean,
        "slice": slice(1, 2),
        "optimizer": torch.optim.AdamW(vit().parameters()).state_dict(),
    }
    for name, value in beside.items():
        for archive in (True, False):
            if name in ("meta", "small", "sparse") and not archive:
                continue
            torch.save({"state_dict": ordered, name: value}, project / "w.pth", _use_new_zipfile_serialization=archive)
            assert_same(start("w.pth")[1], weights)


def lambda_free():
    """A factory of a defaultdict that pickle can name."""


def test_types_strides_and_shared_storages(project, start):
    weights = vit().state_dict()
    for dtype in (torch.float64, torch.float16, torch.bfloat16):
        cast = {name: tensor.to(dtype) for name, tensor in weights.items()}
        torch.save(cast, project / "w.pth")
        assert_same(start("w.pth")[1], cast)
        save_file(cast, project / "w.safetensors")
        assert_same(start("w.safetensors")[1], cast)
    flat = torch.cat([tensor.flatten() for tensor in weights.values()])
    views, offset = {}, 0
    for name, tensor in weights.items():
        views[name] = flat[offset : offset + tensor.numel()].view(tensor.shape)
        offset += tensor.numel()
    views["patch_embed.proj.weight"] = weights["patch_embed.proj.weight"].to(memory_format=torch.channels_last)
    views["head.weight"] = weights["head.weight"].t().contiguous().t()
    views["norm.weight"] = torch.nn.Parameter(weights["norm.weight"])
    views["norm.bias"] = torch.ones(1).expand(32)
    for archive in (True, False):
        torch.save(views, project / "w.pth", _use_new_zipfile_serialization=archive)
        assert_same(start("w.pth")[1], {name: tensor.detach() for name, tensor in views.items()})


def test_whole_models_are_read_without_their_code(project, start):
    for archive in (True, False):
        torch.save(vit(), project / "model.pt", _use_new_zipfile_serialization=archive)
        assert_same(start("model.pt")[1], vit().state_dict())
    torch.save({"model": torch.nn.DataParallel(vit()), "epoch": 1}, project / "model.pt")
    assert_same(start("model.pt")[1], vit().state_dict())


def test_further_containers(project, start):
    model = vit().eval()
    weights = model.state_dict()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(model, torch.zeros(1, 3, 16, 16)), project / "script.pt")
    assert_same(start("script.pt")[1], weights)
    for number, value in enumerate(([weights, {"epoch": 1}], (1, {"a": {"b": weights}}), {"module": weights})):
        torch.save(value, project / f"{number}.pth")
        assert_same(start(f"{number}.pth")[1], weights)
    # Momentum contrast: two copies, neither of which is called an average.
    queries = {"module.encoder_q." + name: tensor for name, tensor in weights.items()}
    keys = {"module.encoder_k." + name: tensor + 1 for name, tensor in weights.items()}
    torch.save({"state_dict": {**queries, **keys, "module.queue": torch.zeros(4)}}, project / "moco.pth")
    done, _ = start("moco.pth", code=2)
    assert "encoder_k" in done.stderr and "encoder_q" in done.stderr, done.stderr
    for prefix in ("state_dict.encoder_q", "state_dict.module.encoder_q"):
        assert_same(start("moco.pth", more=f'head = true\nprefix = "{prefix}"')[1], weights)
    torch.save({name: tensor.numpy() for name, tensor in weights.items()}, project / "numpy.pth")
    done, _ = start("numpy.pth", code=2)
    assert "numpy.pth" in done.stderr and "cls_token is an array of NumPy" in done.stderr, done.stderr


def test_archives_packed_again_and_without_checksums(project, start):
    weights = vit().state_dict()
    torch.save(weights, project / "w.pth")
    with (
        zipfile.ZipFile(project / "w.pth") as archive,
        zipfile.ZipFile(project / "p.pth", "w", zipfile.ZIP_DEFLATED) as out,
    ):
        for name in archive.namelist():
            out.writestr(name, archive.read(name))
    assert_same(start("p.pth")[1], weights)
    torch.serialization.set_crc32_options(False)
    try:
        torch.save(weights, project / "w.pth")
    finally:
        torch.serialization.set_crc32_options(True)
    assert_same(start("w.pth")[1], weights)


def test_nothing_in_a_file_is_executed(project, start):
    class Attack:
        def __reduce__(self):
            return (open, (str(project / "attacked"), "w"))

    torch.save({"state_dict": vit().state_dict(), "attack": Attack()}, project / "w.pth")
    assert_same(start("w.pth")[1], vit().state_dict())
    assert not (project / "attacked").exists()


def test_damaged_files_are_named(project, start):
    torch.save({"state_dict": vit().state_dict()}, project / "good.pth")
    good = (project / "good.pth").read_bytes()
    torch.save(vit().state_dict(), project / "old.pth", _use_new_zipfile_serialization=False)
    save_file(vit().state_dict(), project / "good.safetensors")
    contents = {
        "cut.pth": good[: len(good) // 2],
        "old-cut.pth": (project / "old.pth").read_bytes()[:-100],
        "cut.safetensors": (project / "good.safetensors").read_bytes()[:-4],
        "empty.pth": b"",
        "page.pth": b"<!DOCTYPE html><html>not found</html>",
        "pointer.safetensors": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
        "text.ckpt": b"weights",
        "plain.pkl": pickle.dumps({"a": 1}),
    }
    for name, content in contents.items():
        (project / name).write_bytes(content)
        done, _ = start(name, code=2)
        assert name in done.stderr and "panicked" not in done.stderr, done.stderr
        assert len(done.stderr) < 600, done.stderr
    # One flipped bit of a weight.
    place = good.find(vit().state_dict()["norm.weight"].numpy().tobytes())
    flipped = bytearray(good)
    flipped[place + 5] ^= 1
    (project / "flipped.pth").write_bytes(flipped)
    done, _ = start("flipped.pth", code=2)
    assert "flipped.pth" in done.stderr and "damaged" in done.stderr, done.stderr
    done, _ = start("missing.pth", code=2)
    assert "missing.pth" in done.stderr, done.stderr


def test_errors_say_what_was_found_and_expected(project, start):
    torch.save({"state_dict": vit(num_classes=10).state_dict()}, project / "ten.pth")
    done, _ = start("ten.pth", code=2)
    for part in ("ten.pth", "head.weight", "[10, 32]", "[3, 32]", "weights.head"):
        assert part in done.stderr, done.stderr
    assert start("ten.pth", more="head = false")[1]["head.weight"].shape == (3, 32)
    torch.save({"state_dict": vit(embed_dim=64).state_dict()}, project / "wide.pth")
    done, _ = start("wide.pth", code=2)
    assert "wide.pth" in done.stderr and "cls_token" in done.stderr and "[1, 1, 64]" in done.stderr, done.stderr
    weights = vit().state_dict()
    del weights["norm.weight"]
    weights["extra.weight"] = torch.ones(3)
    torch.save(weights, project / "part.pth")
    done, _ = start("part.pth", code=2)
    for part in ("part.pth", "norm.weight [32]", "extra.weight [3]"):
        assert part in done.stderr, done.stderr
    weights = vit().state_dict()
    weights["norm.weight"] = weights["norm.weight"].to_sparse()
    torch.save(weights, project / "sparse.pth")
    done, _ = start("sparse.pth", code=2)
    assert "norm.weight" in done.stderr and "sparse" in done.stderr, done.stderr
    save_file({"linear.weight": torch.ones(3, 3)}, project / "other.safetensors")
    done, _ = start("other.safetensors", code=2)
    assert "linear.weight [3, 3]" in done.stderr and "other.safetensors" in done.stderr, done.stderr


def test_position_embeddings_of_a_grid_that_is_not_square(project, start):
    torch.save(vit(img_size=(16, 40)).state_dict(), project / "wide.pth")
    done, _ = start("wide.pth", code=2)
    assert "11 tokens" in done.stderr and "weights.grid" in done.stderr, done.stderr
    done, _ = start("wide.pth", code=2, more="head = true\ngrid = [3, 5]")
    assert "3 x 5" in done.stderr and "wide.pth" in done.stderr, done.stderr
    done, found = start("wide.pth", more="head = true\ngrid = [2, 5]")
    assert "position embeddings interpolated from 2 x 5 to 2 x 2 patches" in done.stderr, done.stderr
    embeddings = vit(img_size=(16, 40)).state_dict()["pos_embed"]
    grid = embeddings[:, 1:].reshape(1, 2, 5, 32).permute(0, 3, 1, 2)
    small = torch.nn.functional.interpolate(grid, (2, 2), mode="bicubic", antialias=True, align_corners=False)
    torch.testing.assert_close(
        found["pos_embed"][:, 1:], small.permute(0, 2, 3, 1).reshape(1, 4, 32), rtol=1e-5, atol=1e-6
    )
    torch.testing.assert_close(found["pos_embed"][:, :1], embeddings[:, :1])
    done, _ = start("wide.pth", code=2, more="grid = [2, 5]", network='kind = "mlp"')
    assert "weights.grid" in done.stderr, done.stderr
    done, _ = start("wide.pth", code=2, more="grid = [0, 5]")
    assert "weights.grid" in done.stderr, done.stderr


def test_training_starts_from_another_run(project, start):
    weights = vit().state_dict()
    torch.save(weights, project / "w.pth")
    start("w.pth")
    for path in ("runs/0", "runs/0/", "runs/0/best.safetensors", "runs/0/last.safetensors", project / "runs/0"):
        done, found = start(path)
        assert_same(found, weights)
        assert "runs/0" in done.stderr, done.stderr
    info = project.json("runs/1/run.json")["weights"]
    assert info["file"].endswith("runs/0/best.safetensors") and info["run"].startswith("run t, epoch 1"), info
    assert info["loaded"] == len(weights) and info["as_initialised"] == []
    assert "run" not in project.json("runs/0/run.json")["weights"]
    # The same command again continues, also when the source is gone.
    (project / "runs/0").rename(project / "runs/gone")
    recipe = (project / "runs/1/recipe.toml").read_text()
    (project / "again.toml").write_text(recipe)
    project.run("train", "again.toml", "--data", ".", "--out", "runs/1")
    assert project.json("runs/1/run.json")["weights"] == info
    (project / "runs/empty").mkdir()
    done, _ = start("runs/empty", code=2)
    assert "runs/empty" in done.stderr and "best.safetensors" in done.stderr, done.stderr
    # The data folder comes first; a path that is not there is looked up in the current one.
    torch.save(weights, project / "d" / "w.pth")
    done = project.run("train", "r.toml", "--data", "elsewhere", "--set", "weights.path=d/none.pth", code=2)
    assert "none.pth" in done.stderr or "elsewhere" in done.stderr, done.stderr


def test_a_linear_network_needs_its_head(project, start):
    model = torch.nn.Linear(768, 3)
    torch.save({"state_dict": model.state_dict()}, project / "linear.pth")
    assert_same(
        start("linear.pth", network='kind = "linear"')[1], {k: v.detach() for k, v in model.state_dict().items()}
    )
    done, _ = start("linear.pth", code=2, more="", network='kind = "linear"')
    assert "weights.head" in done.stderr, done.stderr


def test_the_metadata_of_what_is_written(project, start):
    torch.save(vit().state_dict(), project / "w.pth")
    start("w.pth")
    with safe_open(project / "out.safetensors", "pt") as file:
        metadata = file.metadata()
    assert list(metadata) and metadata["classes"] == '["a","b","c"]' and metadata["mean"] == "[0.5,0.5,0.5]"
