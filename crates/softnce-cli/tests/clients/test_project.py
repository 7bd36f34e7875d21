"""The helpers of `conftest.py`."""


def test_a_run_from_pictures_to_predictions(project):
    project.pictures()
    project.recipe()
    project.run("train", "r.toml", "--data", ".")
    assert project.json("runs/t/run.json")["classes"] == ["a", "b", "c"]
    rows = project.run("predict", "runs/t", "d/val").stdout.splitlines()
    assert len(rows) == 10, rows
