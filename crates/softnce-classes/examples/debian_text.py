"""Plain text of Debian's documentation packages: some 100 MB of technical English, for the recipe `next-word`.

    python3 debian_text.py DATA/debian-text

downloads the packages with `apt-get download`, unpacks them, and writes a file of text for each package. It needs
Debian (or its container image) and 600 MB of disk; no rights of the administrator, and no further Python packages. If
apt does not find a package, run `apt-get update` first. Steps that are done are not repeated.

Each paragraph is a line. A paragraph of 40 characters or more is written once for each package, because reference
manuals repeat descriptions (Javadoc at each subclass), which would put the same text into training and test parts.
"""

import argparse
import gzip
import html
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

# The version numbers are those of Debian 12 (bookworm).
PACKAGES = ["linux-doc-6.1", "openjdk-17-doc", "postgresql-doc-15", "dict-gcide"]

# Sources of pages that are there as HTML, other languages, licences, and pages that list names or links.
SKIPPED = re.compile(
    r"/(_sources|_static|translations|legal|index-files|class-use)/"
    r"|/(genindex|search|py-modindex|index-all|bookindex|all(classes|packages)-index|package-(tree|use))[^/]*\.html$"
)

# HTML, in the order in which it is applied.
NO_TEXT = re.compile(
    r"<!--.*?-->|<(head|script|noscript|style|nav|header|footer|svg)\b.*?</\1>"
    r"|<div class=\"nav(header|footer)\">.*?</div>|<a class=\"headerlink\".*?</a>",
    re.DOTALL,
)
PRE = re.compile(r"<pre\b.*?</pre>", re.DOTALL)
BLOCK = re.compile(
    r"</?(address|article|blockquote|br|caption|dd|div|dl|dt|h[1-6]|hr|li|ol|p|pre|section|t[dhr]|ul)\b[^>]*>"
)
TAG = re.compile(r"<[^>]*>")

# reStructuredText: directives, rules and underlines, roles, marks of literals and emphasis.
RST = re.compile(
    r"^\s*\.\. *(\S+::)?|^\W*([=\-~^\"'`*+#_])\2{3,}\W*$|:[\w+-]+:(?=`)|`+_*|\*+(?=\w)|(?<=\w)\*+", re.MULTILINE
)

# Dictionary: sources such as [1913 Webster] in a line of their own, pronunciations, marks of references.
DICTIONARY = re.compile(r"^\s*\[[^\]\n]*\]\s*$|\\[^\\\n]*\\|[{}]", re.MULTILINE)

SHORTEST_UNIQUE = 40


def of_html(page: str) -> str:
    """The text of a page, each block as a paragraph."""
    main = page.find('role="main"')
    page = NO_TEXT.sub(" ", page[page.find(">", main) + 1 :] if main >= 0 else page)
    parts, end = [], 0
    for code in PRE.finditer(page):
        parts += [re.sub(r"\s+", " ", page[end : code.start()]), code.group()]
        end = code.end()
    parts.append(re.sub(r"\s+", " ", page[end:]))
    return html.unescape(TAG.sub("", BLOCK.sub("\n\n", "".join(parts))))


def read(path: Path) -> str:
    """A file's text; dictzip is gzip with an index."""
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix in {".gz", ".dz"} else data).decode("utf-8", errors="ignore")


def texts(root: Path) -> Iterator[str]:
    """The texts of an unpacked package, in the order of the paths."""
    pages = {path.relative_to(root).with_suffix("").as_posix() for path in root.rglob("*.html")}
    for path in sorted(root.rglob("*")):
        name = "/" + path.relative_to(root).as_posix()
        if not path.is_file() or path.is_symlink() or SKIPPED.search(name):
            continue
        kind = name.removesuffix(".gz").rpartition(".")[2]
        page = name.removesuffix(".gz").removesuffix(".rst").replace("/Documentation/", "/html/").lstrip("/")
        if kind == "html":
            yield of_html(read(path))
        elif kind == "rst" and page not in pages:
            yield RST.sub("", read(path))
        elif kind in {"txt", "yaml"}:
            yield read(path)
        elif name.endswith(".dict.dz"):
            yield DICTIONARY.sub("", read(path))


def paragraphs(text: str) -> Iterator[str]:
    """The paragraphs of a text, each in a line."""
    for paragraph in re.split(r"\n\s*\n", text):
        if line := " ".join(paragraph.split()):
            yield line


def write(root: Path, out: Path) -> None:
    """Writes the text of an unpacked package to a file, which is there only when it is complete."""
    seen: set[int] = set()
    words = 0
    part = out.with_suffix(".part")
    with part.open("w", encoding="utf-8") as file:
        for text in texts(root):
            for line in paragraphs(text):
                if len(line) >= SHORTEST_UNIQUE:
                    if hash(line) in seen:
                        continue
                    seen.add(hash(line))
                words += line.count(" ") + 1
                file.write(line + "\n")
    if not words:
        raise SystemExit(f"{root}: no text in this package")
    part.rename(out)
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB, {words:,} words between spaces")


def unpacked(package: str, folder: Path) -> Path:
    """Downloads and unpacks a package; returns where it lies."""
    root, downloads = folder / "unpacked" / package, folder / "packages"
    if not root.exists():
        downloads.mkdir(parents=True, exist_ok=True)
        found = sorted(downloads.glob(f"{package}_*.deb"))
        if not found:
            subprocess.run(["apt-get", "download", package], cwd=downloads, check=True)
            found = sorted(downloads.glob(f"{package}_*.deb"))
        part = root.with_name(f"{package}.part")
        part.mkdir(parents=True, exist_ok=True)
        subprocess.run(["dpkg-deb", "-x", found[-1], part], check=True)
        part.rename(root)
    return root


def main() -> None:
    """Reads the arguments and makes what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the text is written")
    parser.add_argument("packages", nargs="*", default=PACKAGES, help=f"default: {' '.join(PACKAGES)}")
    arguments = parser.parse_args()
    for package in arguments.packages:
        out = arguments.folder / f"{package}.txt"
        if not out.exists():
            write(unpacked(package, arguments.folder), out)


if __name__ == "__main__":
    main()
