"""Every page that the programs write, in a browser: on a wide and on a narrow screen, light and dark.

`SOFTNCE` and `SOFTNCE_EXPERIMENTS` name the programs. With `SOFTNCE_PICTURES=DIR`, pictures of all pages are written to
that folder.
"""

import os
import subprocess
from pathlib import Path

import pytest
from browser import Pages
from PIL import Image

KINDS = ["run", "comparison", "bench", "toy", "ablations", "pictures"]
SCREENS = [(1280, False), (1280, True), (400, False), (400, True)]
# Names of folders: a slash cannot be in one.
NAMES = [
    "<script>window.hacked = 1<\u2215script>",
    '" onload="window.hacked = 1',
    "' onmouseover='window.hacked = 1",
    "]]> <!--",
    "<img src=x onerror=window.hacked=1>",
    "\u05d0\u05d1\u05d2 <b>",
    "a-very-long-name-" * 12,
    "&lt;b&gt;",
]


def run(program: str, *arguments: object, cwd: Path) -> None:
    done = subprocess.run(
        [os.environ[program], *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folder of each kind of result, with names that hold markup where names are the user's."""
    place = tmp_path_factory.mktemp("pages")
    for number, name in enumerate(NAMES):
        folder = place / "data" / "photos" / name
        folder.mkdir(parents=True)
        for picture in range(12):
            shade = (29 * number + 5 * picture) % 256
            Image.new("RGB", (8, 8), (shade, 255 - shade, (7 * picture) % 256)).save(folder / f"{picture}.png")
    recipe = place / "odd.toml"
    recipe.write_text(
        'name = "odd"\n[data]\nlayout = "image-folder"\npath = "photos"\ntest_share = 0.25\nvalidation_share = 0.25\n'
        '[augmentation]\nsize = [8, 8]\ntrain.flip = 0.5\n[mixing]\nmixup = 0.2\n[network]\nkind = "mlp"\nhidden = [8]\n'
        '[loss]\nkind = "soft-target-infonce"\n[optimizer]\nlearning_rate = 1e-3\n[schedule]\nepochs = 3\n'
    )
    out = {name: place / name for name in KINDS}
    run("SOFTNCE", "train", recipe, "--data", place / "data", "--out", out["run"], cwd=place)
    compare = ["compare", "--seeds", 2, "--epochs", 3, "--learning-rates", "0.01,0.03", "--tuning-seeds", 1]
    run("SOFTNCE", *compare, "--out", out["comparison"], cwd=place)
    bench = ["bench", "--cases", "quick", "--seconds", 0.01, "--case", "32,64,10", "--case", "32,128,10"]
    run("SOFTNCE", *bench, "--out", out["bench"], cwd=place)
    toy = ["toy", "--seeds", 2, "--steps", 20, "--samples", "64,256", "--candidates", "2,8"]
    run("SOFTNCE_EXPERIMENTS", *toy, "--out", out["toy"], cwd=place)
    ablations = ["ablations", "--groups", "noise,temperature", "--seeds", 2, "--set", "schedule.epochs=1"]
    run("SOFTNCE_EXPERIMENTS", *ablations, "--out", out["ablations"], cwd=place)
    pictures = ["pictures", "--sets", "digits", "--set", "compare.seeds=2", "--set", "schedule.epochs=1"]
    run("SOFTNCE_EXPERIMENTS", *pictures, "--out", out["pictures"], cwd=place)
    return out


@pytest.fixture(scope="session")
def pages() -> Pages:
    server = Pages()
    yield server
    server.close()


@pytest.mark.parametrize(("width", "dark"), SCREENS)
@pytest.mark.parametrize("kind", KINDS)
def test_page(kind: str, width: int, dark: bool, folders: dict[str, Path], pages: Pages) -> None:
    page = folders[kind] / "report.html"
    found = pages.look(page, width, dark)
    assert "error" not in found, found
    assert (found["width"], found["dark"]) == (width, dark)
    # The page loads nothing but itself; the browser asks for an icon of its own.
    assert set(pages.requests) <= {"/", "/page.html", "/probe.js", "/favicon.ico"}, pages.requests
    assert found["overflow"] == 0 and not found["outside"], found
    assert found["scripts"] == 1 and not found["attributes"] and found["hacked"] is None, found
    assert not found["untipped"] and found["tips"] > 0, found
    assert not found["ticks"] and not found["untitled"], found
    assert not found["pale"] and not found["squeezed"], found
    for box in found["scrolling"]:
        assert box["hint"] == box["scrolls"] == box["stop"], box
    sortable = [table for table in found["tables"] if table["rows"] > 2]
    assert sortable and all(table["buttons"] == table["heads"] for table in sortable), found["tables"]
    assert not any(table["wrong"] for table in found["tables"]), found["tables"]
    if width == 1280:
        # The page uses its width.
        assert found["filled"] > 1100, found["filled"]
    if (pictures := os.environ.get("SOFTNCE_PICTURES")) is not None:
        scheme = "dark" if dark else "light"
        pages.picture(page, width, dark, Path(pictures) / f"{kind}-{width}-{scheme}.png")


def test_names_with_markup_are_shown_as_they_are(folders: dict[str, Path], pages: Pages) -> None:
    page = (folders["run"] / "report.html").read_text(encoding="utf-8")
    for markup in ("<script>window", "<img src=x", "<b>", "<!--", '" onload="'):
        assert markup not in page, markup
    assert "&lt;script&gt;window.hacked = 1&lt;\u2215script&gt;" in page and "&amp;lt;b&amp;gt;" in page


@pytest.mark.parametrize("kind", ["run", "comparison"])
def test_report_is_written_again_from_the_results(kind: str, folders: dict[str, Path]) -> None:
    page = folders[kind] / "report.html"
    before = page.read_text(encoding="utf-8")
    run("SOFTNCE", "report", folders[kind], cwd=folders[kind])
    assert page.read_text(encoding="utf-8") == before


@pytest.mark.parametrize("kind", ["toy", "ablations", "pictures"])
def test_report_of_a_study_is_written_again(kind: str, folders: dict[str, Path]) -> None:
    page = folders[kind] / "report.html"
    before = page.read_text(encoding="utf-8")
    run("SOFTNCE_EXPERIMENTS", "report", folders[kind], cwd=folders[kind])
    assert page.read_text(encoding="utf-8") == before


def test_without_a_script_the_page_is_complete(folders: dict[str, Path]) -> None:
    for kind in KINDS:
        page = (folders[kind] / "report.html").read_text(encoding="utf-8")
        body = page.split("<script>")[0]
        # What the script adds is not in the file.
        assert "<tbody>" in body and "<th " in body, kind
        assert "<button" not in body and 'class="hint"' not in body and 'class="tip"' not in body, kind
