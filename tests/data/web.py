"""A server on this machine that has files, and faults on request."""

import hashlib
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ecglib.data.open_sets import OpenSet

FILES = {
    "Subject00_1.edf": bytes(range(256)) * 5000,
    "Subject00_2.edf": b"second " * 60_000,
    "subject-info.csv": b"Subject,Age\n",
    "notes/index.html": b"not of the set",
}


def some_set(url: str = "https://nowhere.example/some/1.0.0/") -> OpenSet:
    """Describe `FILES` as an open set."""
    return OpenSet(
        name="some",
        title="Some recordings 1.0.0",
        url=url,
        files=r"Subject\d\d_[12]\.edf|subject-info\.csv",
        n_files=3,
        listed="two EDF files and subject-info.csv",
        licence="a licence",
        cite="somebody",
    )


def sums_of(files: dict[str, bytes]) -> bytes:
    """Write the list of checksums as PhysioNet does."""
    return "".join(
        f"{hashlib.sha256(content).hexdigest()} {name}\n" for name, content in files.items()
    ).encode()


class Web:
    """The server: `files` by name, `asked` as (method, name, first byte), and the faults."""

    def __init__(self) -> None:
        self.files = dict(FILES)
        self.files["SHA256SUMS.txt"] = sums_of(FILES)
        self.asked: list[tuple[str, str, int]] = []
        self.cut: dict[str, list[int]] = {}  # bytes after which each next answer breaks off
        self.status: dict[str, int] = {}  # answer with this instead of the file
        self.redirect: dict[str, str] = {}
        self.knows_ranges = True
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                web._answer(self, body=True)

            def do_HEAD(self):
                web._answer(self, body=False)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def downloads(self) -> list[tuple[str, int]]:
        """Return which files were asked for, and from which byte on."""
        return [
            (n, start) for method, n, start in self.asked if method == "GET" and "SUMS" not in n
        ]

    def _answer(self, handler: BaseHTTPRequestHandler, body: bool) -> None:
        name = handler.path.lstrip("/")
        ranged = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range") or "")
        start = int(ranged[1]) if ranged and self.knows_ranges else 0
        self.asked.append((handler.command, name, start))
        if name in self.redirect:
            handler.send_response(302)
            handler.send_header("Location", self.redirect[name])
            handler.end_headers()
            return
        if name in self.status or name not in self.files:
            handler.send_error(self.status.get(name, 404))
            return
        content = self.files[name]
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Length", str(len(content) - start))
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        handler.end_headers()
        if body:
            cuts = self.cut.get(name)
            handler.wfile.write(content[start : cuts.pop(0) if cuts else None])
