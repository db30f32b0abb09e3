"""A report in a real browser: quiet, complete, readable on a desk, on a phone and in the dark."""

import base64
import json
import shutil
import subprocess
import time
import urllib.request
from contextlib import closing, contextmanager
from functools import cache
from itertools import count

import pytest

from djsb.records import write_report
from djsb.store.store import Store

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PATIENCE = 30  # seconds until something that must happen counts as not happening
EVIL = "<script>alert(1)</script><img src=https://example.org/x.png onerror=alert(2)>"
SECTIONS = ["pipeline", "distributions", "funnel", "samples", "curves", "scores", "media"]
LONG = "a_very_long_name_without_any_place_to_break_" * 4
CONTRAST = """
(() => {
  const light = c => c.match(/[\\d.]+/g).slice(0, 3).map(Number)
    .map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const under = e => {
    for (; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (!/, 0\\)$|transparent/.test(colour)) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  return [...document.querySelectorAll("h1, h2, h3, p, li, td, th, a, summary, pre, .note, .tag")]
    .filter(e => e.innerText && e.checkVisibility())
    .map(e => {
      const [a, b] = [light(getComputedStyle(e).color), light(under(e))].sort((x, y) => y - x);
      return [(a + 0.05) / (b + 0.05), e.tagName + "." + e.className + ": " + e.innerText];
    })
    .filter(([ratio]) => ratio < 4.5).map(([ratio, what]) => ratio.toFixed(1) + " " + what);
})()
"""


def find_chromium():
    return next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """One tab, driven over the DevTools protocol."""

    def __init__(self, socket):
        self._socket = socket
        self._numbers = count(1)
        self.requests = []
        self.complaints = []
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method, **params):
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = self._next()
            if message.get("id") == number:
                assert "error" not in message, message["error"]
                return message["result"]

    def open(self, path, *, width=1280, height=900, dark=False, printed=False):
        """Show a file, and wait until it has loaded."""
        self.requests.clear()
        self.complaints.clear()
        scale = 2 if width < 600 else 1
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=scale, mobile=width < 600,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        media = "print" if printed else "screen"
        self.call("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self.call("Page.navigate", url=path.as_uri())
        while self._next().get("method") != "Page.loadEventFired":
            pass
        self.value("new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)))")

    def value(self, expression):
        """Evaluate JavaScript; a promise is waited for."""
        found = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def screenshot(self, path):
        """Save the whole page as PNG."""
        found = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(found["data"]))

    def pdf(self, path):
        """Save what printing makes of the page."""
        path.write_bytes(base64.b64decode(self.call("Page.printToPDF")["data"]))

    def _next(self):
        message = json.loads(self._socket.recv(timeout=PATIENCE))
        method, params = message.get("method"), message.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Log.entryAdded":
            self.complaints.append(params["entry"]["text"])
        elif method in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled"):
            self.complaints.append(json.dumps(params))
        return message


@contextmanager
def open_browser(program, profile):
    """Start a browser that can reach nothing; end it afterwards."""
    port_file = profile / "DevToolsActivePort"
    command = [
        program,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        "--remote-debugging-port=0",
        f"--user-data-dir={profile}",
        "about:blank",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + PATIENCE
        while not (port_file.is_file() and port_file.read_text()):
            assert time.monotonic() < deadline, "the browser did not start"
            assert process.poll() is None, f"the browser ended with {process.returncode}"
            time.sleep(0.05)
        port = port_file.read_text().split()[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
            (tab,) = (one for one in json.load(answer) if one["type"] == "page")
        from websockets.sync.client import connect

        with connect(tab["webSocketDebuggerUrl"], max_size=None, proxy=None) as socket:
            yield Page(socket)
    finally:
        process.terminate()
        process.wait(PATIENCE)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    pytest.importorskip("websockets", reason="needs websockets, to drive a browser")
    program = find_chromium()
    if program is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with open_browser(program, tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture(scope="module")
def report(write_full_run, tmp_path_factory):
    """Return a function that writes a report beside another run, once for each evil text."""

    @cache
    def write(evil=""):
        folder = tmp_path_factory.mktemp("report")
        with closing(Store(folder)) as store:
            first = write_full_run(store, "").record
            run = write_full_run(store, evil).record
            return write_report(store, run, against=first, path=folder / "report.html")

    return write


VIEWS = [
    pytest.param({"width": 1280}, id="desktop"),
    pytest.param({"width": 820}, id="tablet"),
    pytest.param({"width": 390, "height": 844}, id="phone"),
    pytest.param({"width": 1280, "dark": True}, id="dark"),
    pytest.param({"width": 390, "height": 844, "dark": True}, id="phone-dark"),
    pytest.param({"width": 718, "printed": True}, id="print"),
]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("evil", ["", EVIL, LONG], ids=["plain", "evil", "long"])
def test_it_opens_quietly_and_fits(browser, report, view, evil):
    path = report(evil)
    browser.open(path, **view)
    browser.value("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert [url for url in browser.requests if not url.startswith("data:image/jpeg")] == [
        path.as_uri()
    ]
    assert browser.complaints == []
    assert browser.value("document.scripts.length") == 0
    assert browser.value("document.documentElement.scrollWidth") <= view["width"]


@pytest.mark.parametrize("view", VIEWS)
def test_every_section_is_seen(browser, report, view):
    browser.open(report(), **view)
    seen = (
        "[...document.querySelectorAll('section')].filter(e => e.offsetHeight > 40).map(e => e.id)"
    )
    assert browser.value(seen) == ["verdict", "against", *SECTIONS, "environment"]
    charts = "[...document.querySelectorAll('svg')].filter(e => e.checkVisibility()).length"
    assert browser.value(charts) == 2  # a statistic, and one of the two sizes of the curves


@pytest.mark.parametrize("view", VIEWS)
def test_text_can_be_read(browser, report, view):
    browser.open(report(), **view)
    assert browser.value(CONTRAST) == []
    smallest = """Math.min(...[...document.querySelectorAll("svg text")]
      .filter(e => e.checkVisibility()).map(e => e.getBoundingClientRect().height))"""
    assert browser.value(smallest) >= 9


def test_dark_mode_is_dark_and_print_is_light(browser, report):
    path = report()
    ground = "getComputedStyle(document.body).backgroundColor"
    chart = "getComputedStyle(document.querySelector('svg text')).fill"
    browser.open(path, dark=True)
    assert browser.value(ground) == "rgb(18, 22, 28)"
    dark_ink = browser.value(chart)
    browser.open(path)
    assert browser.value(ground) == "rgb(246, 247, 249)"
    assert browser.value(chart) != dark_ink
    browser.open(path, dark=True, printed=True)
    assert browser.value(ground) == "rgb(255, 255, 255)"


def test_evil_text_is_seen_as_text(browser, report):
    browser.open(report(EVIL))
    assert "<script>alert(1)</script>" in browser.value("document.body.innerText")
    assert browser.value("document.title").startswith(f"experiment{EVIL}")
