"""Downloads: resumed, checked, from mirrors; against a server that breaks off and lies."""

from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from djsb_datajuicer import download as module
from djsb_datajuicer.commands import weights
from djsb_datajuicer.download import DownloadError, download
from djsb_datajuicer.obtain import read_weights

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENT = bytes(range(250)) * 1200
DIGEST = hashlib.sha256(CONTENT).hexdigest()
FIRST = 1 << 16


class Files(ThreadingHTTPServer):
    """A server of files with range requests."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.breaks_after: int | None = None
        """Bytes after which every answer breaks off."""
        self.ranges = True
        self.etag = ""
        self.asked: list[str] = []

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{name}"


class Handler(BaseHTTPRequestHandler):
    server: Files

    def do_GET(self) -> None:
        server, name = self.server, self.path.lstrip("/")
        asked = self.headers.get("Range", "")
        server.asked.append(asked)
        content = server.files.get(name)
        if content is None:
            self.send_error(404)
            return
        start = int(asked.removeprefix("bytes=").rstrip("-") or 0) if server.ranges else 0
        if start >= len(content) > 0 and start:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.end_headers()
            return
        body = content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        if server.etag:
            self.send_header("X-Linked-Etag", f'"{server.etag}"')
        self.end_headers()
        self.wfile.write(body if server.breaks_after is None else body[: server.breaks_after])

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Files]:
    """A server with one file."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Files() as files:
        files.files["model.bin"] = CONTENT
        threading.Thread(target=files.serve_forever, daemon=True).start()
        yield files
        files.shutdown()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "models" / "model.bin"


def part_of(target: Path) -> Path:
    return target.with_name(f".{target.name}.part")


def test_a_file_is_moved_into_place_when_it_is_complete(server: Files, target: Path) -> None:
    seen = []
    download(
        [server.url("model.bin")], target, DIGEST, lambda done, size: seen.append((done, size))
    )
    assert target.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [path.name for path in target.parent.iterdir()] == ["model.bin"]


def test_broken_connections_are_continued(server: Files, target: Path) -> None:
    server.breaks_after = FIRST
    download([server.url("model.bin")], target, DIGEST)
    assert target.read_bytes() == CONTENT
    assert server.asked == [f"bytes={number * FIRST}-" for number in range(5)]


def test_what_an_earlier_call_left_is_continued(server: Files, target: Path) -> None:
    target.parent.mkdir()
    part_of(target).write_bytes(CONTENT[:FIRST])
    download([server.url("model.bin")], target, DIGEST)
    assert target.read_bytes() == CONTENT
    assert server.asked == [f"bytes={FIRST}-"]


@pytest.mark.parametrize("left", [CONTENT, CONTENT + b"more", b"other" * 1000])
def test_what_was_left_may_be_complete_or_of_another_version(
    server: Files, target: Path, left: bytes
) -> None:
    target.parent.mkdir()
    part_of(target).write_bytes(left)
    download([server.url("model.bin")], target, DIGEST)
    assert target.read_bytes() == CONTENT


def test_a_server_without_ranges_starts_again(server: Files, target: Path) -> None:
    target.parent.mkdir()
    part_of(target).write_bytes(CONTENT[:FIRST])
    server.ranges = False
    download([server.url("model.bin")], target, DIGEST)
    assert target.read_bytes() == CONTENT


def test_a_wrong_digest_leaves_nothing(server: Files, target: Path) -> None:
    with pytest.raises(DownloadError, match=f"model.bin: the digest is not {'0' * 64}"):
        download([server.url("model.bin")], target, "0" * 64)
    assert list(target.parent.iterdir()) == []


def test_the_digest_that_a_hub_sends_is_checked(server: Files, target: Path) -> None:
    server.etag = "0" * 64
    with pytest.raises(DownloadError, match="the digest is not"):
        download([server.url("model.bin")], target)
    server.etag = DIGEST
    download([server.url("model.bin")], target)
    assert target.read_bytes() == CONTENT


def test_the_next_address_is_tried(server: Files, target: Path) -> None:
    server.files["lies"] = b"<html>log in first</html>"
    urls = [server.url("absent"), server.url("lies"), server.url("model.bin")]
    download(urls, target, DIGEST)
    assert target.read_bytes() == CONTENT


def test_every_reason_is_named(server: Files, target: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "TIMEOUT", 0.2)
    with pytest.raises(DownloadError) as caught:
        download([server.url("absent"), "http://127.0.0.1:1/model.bin"], target, DIGEST)
    text = str(caught.value)
    assert f"{server.url('absent')}: 404 Not Found" in text
    assert "http://127.0.0.1:1/model.bin: cannot be reached" in text
    assert not target.exists()


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recipe that needs one file."""
    monkeypatch.setenv("DATA_JUICER_MODELS_CACHE", str(tmp_path / "models"))
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "recipe.yaml"
    path.write_text("process:\n  - words_num_filter: {tokenization: true, lang: xx}\n")
    return path


def test_the_command_lists_and_gets_them(server: Files, recipe: Path, tmp_path: Path) -> None:
    place = tmp_path / "models" / "xx.sp.model"
    listed = CliRunner().invoke(weights, [str(recipe)])
    assert listed.exit_code == 1
    assert f"missing  xx.sp.model  size unknown  {place}" in listed.stdout
    server.files["models/xx.sp.model"] = CONTENT
    options = ["--download", "--mirror", server.url("models/"), "--sha256", f"xx.sp.model={DIGEST}"]
    fetched = CliRunner().invoke(weights, [str(recipe), *options])
    assert fetched.exit_code == 0, fetched.output
    assert place.read_bytes() == CONTENT
    assert "ok  xx.sp.model  300.0 kB" in fetched.stdout


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("steps: []\n", "has no 'process' list; name a Data-Juicer recipe"),
        ("process: [\n", "cannot be read: "),
        ("process: 5\n", "process must be a list of operators"),
        ("process: [no_such_filter]\n", "process[0].no_such_filter: unknown operator"),
        ("process: [{words_num_filter: {min_nom: 1}}]\n", "has no argument 'min_nom'"),
    ],
)
def test_what_is_no_recipe_is_said(recipe: Path, text: str, reason: str) -> None:
    from djsb_core.api import RequestError

    recipe.write_text(text)
    with pytest.raises(RequestError) as caught:
        read_weights(recipe)
    assert str(caught.value).startswith(f"{recipe}: ")
    assert reason in str(caught.value)
