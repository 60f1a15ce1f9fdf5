"""Open every page of the rendered book in headless Chromium and report what goes wrong.

The book is served on a port of this machine; Chromium is driven through its DevTools protocol.
A page fails on a console error, an uncaught exception, a failed request, a request to another
host, or an image that is missing or has no alternative text.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import functools
import itertools
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml
from tornado.websocket import WebSocketClientConnection, websocket_connect

ROOT = Path(__file__).resolve().parents[1]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PAGE_TIMEOUT = 60  # s
QUIET = 0.5  # s without a request after which a page counts as loaded
# Nothing but this machine can be reached: a page that needs another host fails the check.
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-port=0",
    "--window-size=1280,1600",
)
# Runs in the page: load lazy images, then describe those that show nothing or say nothing.
IMAGES = """
(async () => {
  const images = [...document.images];
  images.forEach(image => { image.loading = "eager"; });
  await Promise.all(images.map(image => image.decode().catch(() => null)));
  const named = /^$|\\.(png|svg|jpe?g)$/;
  return images.flatMap(image => [
    ...(image.naturalWidth ? [] : ["missing image " + image.src]),
    ...(named.test(image.alt.trim()) ? ["image without alternative text " + image.src] : []),
  ]);
})()
"""


def pages_of(toc: dict[str, Any], built: Path | None = None) -> list[str]:
    """Return every page of a table of contents, in order, and the search page at the end.

    Pages that the table names by a pattern are those in the folder `built`; without it they are
    left out.
    """

    def files(entry: dict[str, Any]) -> Iterator[str]:
        if "file" in entry:
            yield entry["file"]
        if "glob" in entry and built:
            for page in sorted(built.glob(f"{entry['glob']}.html")):
                yield str(page.relative_to(built).with_suffix(""))
        for key in ("parts", "chapters", "sections"):
            for child in entry.get(key, []):
                yield from files(child)

    return [f"{name}.html" for name in (toc["root"], *files(toc), "search")]


class Handler(SimpleHTTPRequestHandler):
    """Serve files without writing a line for each of them."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on a free port of this machine and give its address."""
    handler = functools.partial(Handler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


@contextlib.contextmanager
def browser(executable: str) -> Iterator[str]:
    """Start Chromium with an empty profile and give the address of its DevTools."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [executable, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            port_file = Path(profile) / "DevToolsActivePort"
            deadline = time.monotonic() + 60
            while not (port_file.is_file() and port_file.read_text().count("\n") == 1):
                if process.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"{executable} did not start (exit status {process.poll()})")
                time.sleep(0.1)
            port, path = port_file.read_text().split("\n")
            yield f"ws://127.0.0.1:{port}{path}"
        finally:
            process.terminate()
            process.wait(timeout=30)


def problem_in(event: dict[str, Any], site: str) -> str | None:
    """Return what a DevTools event complains about, or None if it is an ordinary one."""
    method, told = event["method"], event["params"]
    if method == "Runtime.consoleAPICalled" and told["type"] in ("error", "assert"):
        said = (str(a.get("value", a.get("description", ""))) for a in told["args"])
        return "console: " + " ".join(said)
    if method == "Runtime.exceptionThrown":
        details = told["exceptionDetails"]
        thrown = details.get("exception", {}).get("description", details["text"])
        return "uncaught exception: " + thrown.splitlines()[0]
    if method == "Log.entryAdded" and told["entry"]["level"] == "error":
        return f"{told['entry']['source']}: {told['entry']['text']} {told['entry'].get('url', '')}"
    if method == "Network.responseReceived" and told["response"]["status"] >= 400:
        return f"status {told['response']['status']}: {told['response']['url']}"
    if method == "Network.loadingFailed" and not told.get("canceled"):
        return f"failed request: {told['errorText']}"
    if method == "Network.requestWillBeSent":
        url = told["request"]["url"]
        if not url.startswith((site, "data:", "blob:")):
            return f"request to another host: {url}"
    return None


class Tab:
    """One tab of the browser: sends commands, and keeps the problems that events tell of."""

    def __init__(self, socket: WebSocketClientConnection, site: str) -> None:
        self.socket = socket
        self.site = site
        self.session: str | None = None
        self.problems: list[str] = []
        self.loaded = asyncio.Event()
        self.last_request = 0.0
        self.open_requests: set[str] = set()
        self.replies: dict[int, asyncio.Future] = {}
        self.numbers = itertools.count(1)

    async def listen(self) -> None:
        """Read messages until the browser closes the connection."""
        while (text := await self.socket.read_message()) is not None:
            message = json.loads(text)
            if "id" in message:
                self.replies.pop(message["id"]).set_result(message)
            else:
                self.note(message)

    def note(self, event: dict[str, Any]) -> None:
        """Keep track of one event."""
        if event["method"] == "Page.loadEventFired":
            self.loaded.set()
        elif event["method"] == "Network.requestWillBeSent":
            self.last_request = time.monotonic()
            self.open_requests.add(event["params"]["requestId"])
        elif event["method"] in ("Network.loadingFinished", "Network.loadingFailed"):
            self.open_requests.discard(event["params"]["requestId"])
        if (problem := problem_in(event, self.site)) and problem not in self.problems:
            self.problems.append(problem)

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and return its result."""
        number = next(self.numbers)
        reply = self.replies[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        await self.socket.write_message(json.dumps(message))
        answer = await reply
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    async def visit(self, page: str) -> list[str]:
        """Load a page, wait until it is quiet, and return its problems."""
        self.problems = []
        self.loaded.clear()
        self.open_requests.clear()
        await self.call("Page.navigate", url=self.site + page)
        await self.loaded.wait()
        while self.open_requests or time.monotonic() - self.last_request < QUIET:
            await asyncio.sleep(0.05)
        told = await self.call(
            "Runtime.evaluate", expression=IMAGES, awaitPromise=True, returnByValue=True
        )
        return self.problems + told["result"]["value"]

    async def screenshot(self, path: Path) -> None:
        """Save what the window shows."""
        image = await self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(image["data"]))


async def check(devtools: str, site: str, pages: list[str], shots: Path | None) -> dict[str, list]:
    """Visit every page in one tab and return the problems of each."""
    tab = Tab(await websocket_connect(devtools, max_message_size=2**28), site)
    listener = asyncio.create_task(tab.listen())
    target = await tab.call("Target.createTarget", url="about:blank")
    attached = await tab.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
    tab.session = attached["sessionId"]
    for domain in ("Page", "Runtime", "Log", "Network"):
        await tab.call(f"{domain}.enable")
    found = {}
    for page in pages:
        start = time.monotonic()
        try:
            found[page] = await asyncio.wait_for(tab.visit(page), PAGE_TIMEOUT)
        except TimeoutError:
            found[page] = [*tab.problems, f"not loaded within {PAGE_TIMEOUT} s"]
        verdict = "ok" if not found[page] else f"{len(found[page])} problems"
        print(f"{page}: {verdict} ({time.monotonic() - start:.1f} s)", flush=True)
        if shots:
            await tab.screenshot(shots / (page.replace("/", "-") + ".png"))
    listener.cancel()
    return found


def find_browser() -> str | None:
    """Return the path of an installed Chromium, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def run(
    executable: str, html: Path, pages: list[str], shots: Path | None = None
) -> dict[str, list[str]]:
    """Serve a folder, visit its pages in a browser and return the problems of each page."""
    with served(html) as site, browser(executable) as devtools:
        return asyncio.run(check(devtools, site, pages, shots))


def main() -> None:
    """Check the rendered book and exit with 1 if any page has a problem."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--html", type=Path, default=ROOT / "_build" / "html")
    parser.add_argument("--toc", type=Path, default=ROOT / "_toc.yml")
    parser.add_argument("--screenshots", type=Path, help="also save a picture of each page here")
    options = parser.parse_args()
    if not (options.html / "index.html").is_file():
        sys.exit(f"no rendered book in {options.html}: run `make book` first")
    if (executable := find_browser()) is None:
        sys.exit(f"no browser found, looked for {', '.join(BROWSERS)}")
    pages = pages_of(yaml.safe_load(options.toc.read_text(encoding="utf-8")), options.html)
    if options.screenshots:
        options.screenshots.mkdir(parents=True, exist_ok=True)
    found = run(executable, options.html, pages, options.screenshots)
    problems = [f"{page}: {problem}" for page, told in found.items() for problem in told]
    if problems:
        sys.exit("\n".join(problems))
    print(f"{len(pages)} pages: no problem")


if __name__ == "__main__":
    main()
