"""Images and videos that a run produced, as thumbnails inside the page."""

from __future__ import annotations

import base64
import io
import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import quote

from djsb.records import ArtifactKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from djsb.records import Store
    from djsb_report.reading import Reading

KINDS = (ArtifactKind.IMAGE, ArtifactKind.VIDEO)
MOST, WIDTH, QUALITY = 24, 320, 72
LARGEST = 50_000_000
"""Maximum size in bytes of an image file that is opened."""

POSTERS = (".jpg", ".jpeg", ".png", ".webp")


@dataclass(frozen=True)
class Medium:
    """One image or video."""

    job: str
    name: str
    kind: str
    step: int | None
    path: str
    link: str
    size: int | None
    """In bytes; ``None`` if the file is missing."""
    thumbnail: str | None
    """As a ``data:`` URL."""


@dataclass(frozen=True)
class Media:
    """The first images and videos of a run."""

    shown: Sequence[Medium]
    left_out: int
    can_inline: bool


def read_media(reading: Reading) -> Media:
    """Create thumbnails of the images and videos of the last iteration."""
    can_inline = find_spec("PIL") is not None
    shown: list[Medium] = []
    left_out = 0
    for job in reading.latest:
        for artifact in reading.store.artifacts(job.id):
            if artifact.kind not in KINDS:
                continue
            if len(shown) == MOST:
                left_out += 1
                continue
            path = artifact.path
            own = reading.store.readable(path, is_input=True)
            source = own if artifact.kind is ArtifactKind.IMAGE else _poster(reading.store, path)
            thumbnail = _thumbnail(source) if can_inline and source is not None else None
            label = reading.named(job.pipeline, job.meta_name)
            shown.append(
                Medium(
                    label,
                    artifact.name,
                    artifact.kind.value,
                    artifact.step,
                    str(path),
                    f"file://{quote(str(path.absolute()))}",
                    own.stat().st_size if own is not None else None,
                    thumbnail,
                )
            )
    return Media(shown, left_out, can_inline)


def _poster(store: Store, video: Path) -> Path | None:
    """Find the still image with a video's name in its folder."""
    places = [video.with_suffix(ending) for ending in POSTERS]
    return next((place for place in places if store.readable(place, is_input=True)), None)


def _thumbnail(path: Path) -> str | None:
    """Create a small JPEG; ``None`` if the file is not an image, missing, or too large."""
    from PIL import Image, UnidentifiedImageError

    try:
        if path.stat().st_size > LARGEST:
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                image.draft("RGB", (WIDTH, WIDTH))
                small = image.convert("RGB")
                small.thumbnail((WIDTH, WIDTH))
    except (
        OSError,
        ValueError,
        SyntaxError,  # Pillow's error for a damaged PNG
        UnidentifiedImageError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ):
        return None
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=QUALITY, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
