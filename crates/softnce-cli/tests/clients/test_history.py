"""The history of a run while it trains, read by the tools that users read it with."""

from __future__ import annotations

import json
import signal
import time

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

TAGS = {
    "train/loss": "train_loss",
    "train/top1": "train_top1",
    "train/learning_rate": "learning_rate",
    "validation/top1": "validation_top1",
    "validation/top5": "validation_top5",
    "validation/nll": "validation_nll",
    "throughput/samples_per_second": "samples_per_second",
    "throughput/waited": "waited",
}


def epochs(folder):
    """The lines of history.jsonl."""
    return [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]


def check(folder, count):
    """TensorBoard shows the epochs of history.jsonl, each once."""
    history = epochs(folder)
    assert [epoch["epoch"] for epoch in history] == list(range(1, count + 1))
    events = EventAccumulator(str(folder))
    events.Reload()
    assert sorted(events.Tags()["scalars"]) == sorted(TAGS)
    for tag, name in TAGS.items():
        scalars = events.Scalars(tag)
        expected = [(epoch["epoch"], epoch[name]) for epoch in history if epoch[name] is not None]
        assert [scalar.step for scalar in scalars] == [step for step, _ in expected], tag
        for scalar, (_, value) in zip(scalars, expected):
            assert abs(scalar.value - value) <= 1e-6 * max(1.0, abs(value)), tag
        times = [scalar.wall_time for scalar in scalars]
        assert times == sorted(times) and abs(times[-1] - time.time()) < 300, tag


def test_tensorboard_reads_every_epoch(project):
    project.pictures()
    project.recipe(epochs=5, more="evaluate_every = 2")
    project.run("train", "r.toml", "--data", ".")
    check(project / "runs/t", 5)
    history = epochs(project / "runs/t")
    assert [epoch["validation_nll"] is None for epoch in history] == [True, False, True, False, False]


def test_a_run_that_was_killed_has_each_epoch_once(project):
    project.pictures(parts={"train": 60, "val": 3})
    project.recipe(epochs=400, more="checkpoint_steps = 50")
    run = project / "runs/t"
    for kill in (signal.SIGKILL, signal.SIGINT, signal.SIGKILL):
        before = len(epochs(run)) if (run / "history.jsonl").exists() else 0
        child = project.start("train", "r.toml", "--data", ".")
        while not (run / "history.jsonl").exists() or len(epochs(run)) < before + 5:
            assert child.poll() is None, child.communicate()
            time.sleep(0.01)
        child.send_signal(kill)
        child.communicate()
    # What the last process wrote after its checkpoint is trained, and written, again.
    project.run("train", "r.toml", "--data", ".")
    check(run, 400)


def test_a_reader_that_is_open_drops_what_is_written_again(project):
    project.pictures(parts={"train": 60, "val": 3})
    project.recipe(epochs=400)
    run = project / "runs/t"
    child = project.start("train", "r.toml", "--data", ".")
    while not (run / "history.jsonl").exists() or len(epochs(run)) < 10:
        assert child.poll() is None, child.communicate()
        time.sleep(0.01)
    child.kill()
    child.communicate()
    events = EventAccumulator(str(run))
    events.Reload()
    assert len(events.Scalars("train/loss")) >= 10
    project.run("train", "r.toml", "--data", ".")
    events.Reload()
    assert [scalar.step for scalar in events.Scalars("train/loss")] == list(range(1, 401))
