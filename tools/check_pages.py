"""Open every page of the rendered book in headless Chromium and report what goes wrong.

The book is served on a port of this machine; Chromium is driven through its DevTools protocol.
A page fails on a console error, an uncaught exception, a failed request, a request to another
host, an image that is missing or has no alternative text, a link within the book that leads
nowhere, more than 3 MB, a table or list that a screen reader cannot follow, what axe-core calls
serious or critical in the light or the dark theme, and on a page that a phone must scroll sideways.
A table at the end has the height of every page. Chapters that are too long and figures that are
described in too few words are listed as warnings.
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
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml
from tornado.websocket import WebSocketClientConnection, websocket_connect

from tools import page_rules
from tools.page_rules import DESKTOP, PHONE

ROOT = Path(__file__).resolve().parents[1]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
MODULES, EVERY_MODULE = "book/api/modules/", 10
"""Where the pages of modules lie, and which of them axe-core looks at."""

PAGE_TIMEOUT = 120  # s
SETTLED = 0.6  # s that the theme's scripts take to notice another size of the window
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


@dataclass
class Seen:
    """What was found on one page."""

    problems: list[str] = field(default_factory=list)
    """What fails the check."""
    warnings: list[str] = field(default_factory=list)
    """What should be better, and fails nothing."""
    height: int = 0
    """Pixels from top to bottom on a desktop."""
    phone_height: int = 0
    """The same on a phone."""
    bytes: int = 0
    """What was loaded for it, without any cache."""


class Tab:
    """One tab of the browser: sends commands, and keeps the problems that events tell of."""

    def __init__(self, socket: WebSocketClientConnection, site: str) -> None:
        self.socket = socket
        self.site = site
        self.session: str | None = None
        self.problems: list[str] = []
        self.loaded = asyncio.Event()
        self.last_request = 0.0
        self.bytes = 0
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
            self.bytes += event["params"].get("encodedDataLength", 0)
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

    async def visit(self, page: str) -> None:
        """Load a page, and wait until it is quiet."""
        self.problems = []
        self.bytes = 0
        self.loaded.clear()
        self.open_requests.clear()
        await self.call("Page.navigate", url=self.site + page)
        await self.loaded.wait()
        while self.open_requests or time.monotonic() - self.last_request < QUIET:
            await asyncio.sleep(0.05)

    async def ask(self, script: str) -> Any:
        """Run a script in the page and return what it gives."""
        told = await self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in told:
            raise RuntimeError(told["exceptionDetails"].get("exception", {}).get("description"))
        return told["result"].get("value")

    async def resize(self, width: int, height: int) -> None:
        """Show the page in a window of another size."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    async def look(self, page: str, axe: str | None, shots: Path | None) -> Seen:
        """Visit a page and look at it on a desktop in light, and on a phone in dark."""
        await self.resize(*DESKTOP)
        await self.visit(page)
        seen = Seen(bytes=self.bytes)
        told = [*await self.ask(page_rules.IMAGES), *await self.ask(page_rules.TABLES_AND_LISTS)]
        if seen.bytes > page_rules.MAX_BYTES:
            told.append(f"{seen.bytes / 1e6:.1f} MB, more than {page_rules.MAX_BYTES / 1e6:.0f}")
        measured = await self.ask(page_rules.MEASURES)
        seen.height = measured["height"]
        if page.startswith("notebooks/") and seen.height > page_rules.MAX_HEIGHT:
            seen.warnings.append(f"{seen.height} px high, more than {page_rules.MAX_HEIGHT}")
        few = [alt for alt in measured["alts"] if len(alt.split()) < page_rules.MIN_WORDS]
        seen.warnings += [f"{len(alt.split())} words describe a figure: {alt}" for alt in few]
        if axe:
            told += [f"{one} (desktop, light)" for one in await self.ask(axe + page_rules.AXE)]
        picture = page.replace("/", "-").removesuffix(".html")
        if shots:
            await self.screenshot(shots / f"{picture}.png")
        await self.resize(*PHONE)
        await self.ask(page_rules.THEME % "dark")
        await asyncio.sleep(SETTLED)
        told += await self.ask(page_rules.WIDTH)
        if shots:
            await self.screenshot(shots / f"{picture}-phone.png")
        if axe:
            told += [f"{one} (phone, dark)" for one in await self.ask(page_rules.AXE)]
        seen.phone_height = (await self.ask(page_rules.MEASURES))["height"]
        seen.problems = [*self.problems, *told]
        return seen

    async def screenshot(self, path: Path) -> None:
        """Save what the window shows."""
        image = await self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(image["data"]))


async def check(
    devtools: str, site: str, pages: list[str], shots: Path | None, axe: str | None
) -> dict[str, Seen]:
    """Look at every page in one tab and return what was found on each.

    The pages of modules come from one template, and axe-core takes seconds a page: it looks at
    every `EVERY_MODULE`-th of them.
    """
    tab = Tab(await websocket_connect(devtools, max_message_size=2**28), site)
    listener = asyncio.create_task(tab.listen())
    target = await tab.call("Target.createTarget", url="about:blank")
    attached = await tab.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
    tab.session = attached["sessionId"]
    for domain in ("Page", "Runtime", "Log", "Network"):
        await tab.call(f"{domain}.enable")
    await tab.call("Network.setCacheDisabled", cacheDisabled=True)
    found = {}
    of_modules = [page for page in pages if page.startswith(MODULES)]
    spared = set(of_modules) - set(of_modules[::EVERY_MODULE])
    for page in pages:
        start = time.monotonic()
        asked = None if page in spared else axe
        try:
            found[page] = await asyncio.wait_for(tab.look(page, asked, shots), PAGE_TIMEOUT)
        except TimeoutError:
            late = f"not loaded and looked at within {PAGE_TIMEOUT} s"
            found[page] = Seen([*tab.problems, late])
        verdict = f"{len(found[page].problems)} problems" if found[page].problems else "ok"
        print(f"{page}: {verdict} ({time.monotonic() - start:.1f} s)", flush=True)
    listener.cancel()
    return found


def find_browser() -> str | None:
    """Return the path of an installed Chromium, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def run(
    executable: str,
    html: Path,
    pages: list[str],
    shots: Path | None = None,
    axe: str | None = None,
) -> dict[str, Seen]:
    """Serve a folder, look at its pages in a browser and return what was found on each page."""
    with served(html) as site, browser(executable) as devtools:
        found = asyncio.run(check(devtools, site, pages, shots, axe))
    for page, broken in page_rules.broken_links(html, pages).items():
        found[page].problems += broken
    return found


def heights(found: dict[str, Seen]) -> str:
    """Write a table of how high and how heavy every page is, the highest first."""
    lines = [f"{'px high':>8} {'on phone':>9} {'MB':>5}  page"]
    for page, seen in sorted(found.items(), key=lambda item: -item[1].height):
        size = f"{seen.bytes / 1e6:.1f}"
        lines.append(f"{seen.height:>8} {seen.phone_height:>9} {size:>5}  {page}")
    return "\n".join(lines)


def main() -> None:
    """Check the rendered book and exit with 1 if any page has a problem."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--html", type=Path, default=ROOT / "_build" / "html")
    parser.add_argument("--toc", type=Path, default=ROOT / "_toc.yml")
    parser.add_argument("--screenshots", type=Path, help="also save pictures of each page here")
    parser.add_argument("--only", help="only pages whose path begins with this")
    options = parser.parse_args()
    if not (options.html / "index.html").is_file():
        sys.exit(f"no rendered book in {options.html}: run `make book` first")
    if (executable := find_browser()) is None:
        sys.exit(f"no browser found, looked for {', '.join(BROWSERS)}")
    pages = pages_of(yaml.safe_load(options.toc.read_text(encoding="utf-8")), options.html)
    pages = [page for page in pages if page.startswith(options.only or "")]
    if options.screenshots:
        options.screenshots.mkdir(parents=True, exist_ok=True)
    axe = page_rules.find_axe()
    found = run(executable, options.html, pages, options.screenshots, axe)
    print(heights(found))
    for page, seen in found.items():
        for warning in seen.warnings:
            print(f"warning: {page}: {warning}")
    if axe is None:
        print("axe-core is not installed: only the project's own checks of accessibility were made")
    problems = [f"{page}: {problem}" for page, seen in found.items() for problem in seen.problems]
    if problems:
        sys.exit("\n".join(problems))
    print(f"{len(pages)} pages: no problem")


if __name__ == "__main__":
    main()
