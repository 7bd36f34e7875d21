"""Opens pages in a headless Chromium, in a frame of a given width, and asks what can be seen there."""

import http.server
import json
import os
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
OPTIONS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --disable-extensions --no-first-run --hide-scrollbars "
    "--disable-background-networking --disable-component-update --force-device-scale-factor=1"
)
PROBE = Path(__file__).with_name("probe.js")


def chromium() -> str:
    """The browser: $CHROMIUM, or the first of the usual names on the path."""
    named = os.environ.get("CHROMIUM")
    found = named or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise FileNotFoundError(
            f"no browser: none of {', '.join(NAMES)} is on the path. Install Chromium (Debian: apt-get install "
            "chromium), or name a browser of its kind in $CHROMIUM."
        )
    return found


class Pages:
    """A server on this machine for a page at a time, within a frame that the probe looks into."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.files: dict[str, tuple[str, bytes]] = {}
        pages = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.split("?")[0]
                pages.requests.append(path)
                kind, content = pages.files.get(path, ("text/plain", b""))
                self.send_response(200 if path in pages.files else 404)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()

    def _wrap(self, page: Path, width: int, height: int) -> str:
        frame = (
            f'<!DOCTYPE html><html><head><meta name="color-scheme" content="light dark">'
            f"<style>html,body{{margin:0}}iframe{{border:0;width:{width}px;height:{height}px}}</style></head>"
            f'<body><iframe src="/page.html"></iframe><pre id="found"></pre><script src="/probe.js"></script></body></html>'
        )
        self.requests.clear()
        self.files = {
            "/": ("text/html; charset=utf-8", frame.encode()),
            "/page.html": ("text/html; charset=utf-8", page.read_bytes()),
            "/probe.js": ("text/javascript; charset=utf-8", PROBE.read_bytes()),
        }
        return f"http://127.0.0.1:{self.server.server_port}/"

    def _run(self, dark: bool, width: int, height: int, *options: str) -> str:
        scheme = [f"--blink-settings=preferredColorScheme={0 if dark else 1}"]
        size = f"--window-size={max(width, 600)},{height}"
        with tempfile.TemporaryDirectory() as profile:
            command = [chromium(), *OPTIONS.split(), f"--user-data-dir={profile}", *scheme, size, *options]
            done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        return done.stdout

    def look(self, page: Path, width: int, dark: bool) -> dict:
        """What the probe finds, as a dictionary."""
        address = self._wrap(page, width, 900)
        dom = self._run(dark, width, 900, "--virtual-time-budget=8000", "--dump-dom", address)
        text = dom.split('<pre id="found">')[1].split("</pre>")[0]
        for name, letter in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
            text = text.replace(name, letter)
        assert text, "the probe did not finish"
        return json.loads(text)

    def picture(self, page: Path, width: int, dark: bool, out: Path, height: int = 6000) -> None:
        """A picture of the page, for people."""
        address = self._wrap(page, width, height)
        self._run(dark, width, height, f"--screenshot={out}", address)
