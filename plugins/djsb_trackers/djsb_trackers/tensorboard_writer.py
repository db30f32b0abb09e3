"""Writes a run into event files of TensorBoard, in ``<run folder>/tensorboard``.

Those of a run in a sweep are in a subfolder named after the sweep: TensorBoard names runs by their
folders, and filters runs by parts of these names.
"""

from __future__ import annotations

import json
import re
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from djsb_trackers.writer import read_histogram

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from djsb_trackers.messages import Artifact, Start, Value

FOLDER = "tensorboard"
NOT_IN_NAMES = re.compile(r"[^\w-]")
FLUSH_SECONDS = 1
RGB = 3


def create_writer() -> TensorboardWriter:
    """Return the writer of this module."""
    return TensorboardWriter()


class TensorboardWriter:
    """Numbers as scalars (results at step 0); strings, settings and facts as text."""

    _file: Any

    def __init__(self) -> None:
        self._steps = count()

    def start(self, start: Start) -> None:
        """Start a file."""
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        folder = Path(start.folder, FOLDER, NOT_IN_NAMES.sub("_", start.group or ""))
        self._file = EventFileWriter(str(folder), max_queue_size=1000, flush_secs=FLUSH_SECONDS)
        self.settings(start.settings)

    def values(self, values: Sequence[Value]) -> None:
        """Write scalars and texts."""
        for value in values:
            if isinstance(value.value, str):
                self._text(value.name, value.value, value.step, value.time)
            else:
                self._add(value.step, value.time, tag=value.name, simple_value=value.value)

    def facts(self, facts: Mapping[str, float | str]) -> None:
        """Write scalars and texts."""
        for name, fact in facts.items():
            if isinstance(fact, str):
                self._text(name, fact)
            else:
                self._add(None, time.time(), tag=name, simple_value=fact)

    def settings(self, settings: Mapping[str, Any]) -> None:
        """Write settings as text; later ones are further steps of it."""
        code = json.dumps(dict(settings), indent=2, ensure_ascii=False, default=str)
        # A code block in Markdown.
        text = "\n".join(f"    {line}" for line in code.split("\n"))
        self._text("settings", text, next(self._steps))

    def artifact(self, artifact: Artifact) -> None:
        """Write a histogram or an image; TensorBoard does not show videos."""
        from tensorboard.compat.proto import histogram_pb2, summary_pb2

        fields: dict[str, Any]
        match artifact.kind:
            case "histogram":
                counts, edges = read_histogram(artifact.path)
                histogram = histogram_pb2.HistogramProto(
                    min=edges[0],
                    max=edges[-1],
                    num=sum(counts),
                    bucket_limit=edges,
                    bucket=[0, *counts],
                )
                fields = {"histo": histogram}
            case "image":
                width, height = _size(artifact.path)
                content = Path(artifact.path).read_bytes()
                image = summary_pb2.Summary.Image(
                    width=width, height=height, colorspace=RGB, encoded_image_string=content
                )
                fields = {"image": image}
            case _:
                return
        self._add(artifact.step, artifact.time, tag=artifact.name, **fields)

    def end(self, status: str) -> None:  # noqa: ARG002 (it is among the facts)
        """Close the file."""
        self._file.close()

    def _text(self, name: str, text: str, step: int | None = None, at: float | None = None) -> None:
        from tensorboard.compat.proto import summary_pb2, tensor_pb2, types_pb2

        metadata = summary_pb2.SummaryMetadata(
            plugin_data=summary_pb2.SummaryMetadata.PluginData(plugin_name="text")
        )
        tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, string_val=[text.encode()])
        at = time.time() if at is None else at
        self._add(step, at, tag=name, metadata=metadata, tensor=tensor)

    def _add(self, step: int | None, at: float, **value: Any) -> None:  # noqa: ANN401 (a Value's fields)
        from tensorboard.compat.proto import event_pb2, summary_pb2

        summary = summary_pb2.Summary(value=[summary_pb2.Summary.Value(**value)])
        self._file.add_event(event_pb2.Event(wall_time=at, step=step or 0, summary=summary))


def _size(path: str) -> tuple[int, int]:
    """Return an image's width and height, in pixels."""
    from PIL import Image

    with Image.open(path) as image:
        return image.size
