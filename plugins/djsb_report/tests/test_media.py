"""Images travel as thumbnails; what cannot is linked."""

import base64
import io

import pytest
from PIL import Image

from djsb_core.job.reports import Artifact, ArtifactKind
from djsb_report import media as module
from djsb_report.media import read_media


@pytest.fixture
def shown(new_run):
    """Return a function that records one file and returns how it is shown."""
    run = new_run()
    files = run.add("job", "H", "execution")

    def show(name, write, kind=ArtifactKind.IMAGE):
        write(files / name)
        run.store.add_artifact(run.last_id, Artifact("it", kind, None, files / name))
        return read_media(run.reading).shown[-1]

    show.files = files
    return show


def opened(thumbnail):
    return Image.open(
        io.BytesIO(base64.b64decode(thumbnail.removeprefix("data:image/jpeg;base64,")))
    )


@pytest.mark.parametrize(
    ("name", "mode"), [("a.png", "RGBA"), ("b.jpg", "RGB"), ("c.gif", "P"), ("d.png", "I;16")]
)
def test_an_image_becomes_a_small_jpeg(shown, name, mode):
    medium = shown(name, Image.new(mode, (1600, 800)).save)
    found = opened(medium.thumbnail)
    assert (found.format, found.size) == ("JPEG", (320, 160))
    assert len(medium.thumbnail) < 20_000


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.png", b"no image"), ("b.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 40), ("c.svg", b"<svg/>")],
)
def test_what_is_no_image_is_linked(shown, name, content):
    medium = shown(name, lambda path: path.write_bytes(content))
    assert medium.thumbnail is None
    assert medium.link.startswith("file:///")
    assert medium.link.endswith(name)


def test_an_image_that_unpacks_to_too_much_is_linked(shown, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert shown("bomb.png", Image.new("1", (100, 100)).save).thumbnail is None


def test_a_file_that_is_gone(shown):
    medium = shown("gone.png", lambda path: None)
    assert (medium.size, medium.thumbnail) == (None, None)


def test_a_video_has_its_size_and_the_image_beside_it(shown):
    def write(path):
        path.write_bytes(b"0" * 3000)

    assert shown("one.mp4", write, ArtifactKind.VIDEO).thumbnail is None
    Image.new("RGB", (640, 480)).save(shown.files / "two.jpg")
    medium = shown("two.mp4", write, ArtifactKind.VIDEO)
    assert medium.size == 3000
    assert opened(medium.thumbnail).size == (320, 240)


def test_without_pillow_images_are_linked(shown, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert shown("a.png", Image.new("RGB", (9, 9)).save).thumbnail is None


def test_names_cannot_leave_the_link(shown):
    medium = shown('a" onclick="x.png', Image.new("RGB", (9, 9)).save)
    assert '"' not in medium.link


def test_many_are_bounded(new_run):
    run = new_run()
    files = run.add("job", "H", "execution")
    for i in range(30):
        path = files / f"{i}.mp4"
        run.store.add_artifact(run.last_id, Artifact("v", ArtifactKind.VIDEO, i, path))
    found = read_media(run.reading)
    assert (len(found.shown), found.left_out) == (24, 6)
