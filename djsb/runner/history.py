"""What the jobs of one iteration gave, for the jobs after them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from djsb.planner.named import in_subfolders, seed_folder
from djsb_core.interfaces.paths import ITERATION

if TYPE_CHECKING:
    from pathlib import Path

    from djsb.config.experiment import JobSpec
    from djsb.runner.exports import Export


@dataclass
class History:
    """The finished jobs of one iteration, by their position in the experiment."""

    iteration: int
    several: bool = False
    """Whether the experiment may have a second iteration: then each has its own folders."""
    previous: History | None = None
    outputs: dict[int, dict[str, Any]] = field(default_factory=dict)
    job_ids: dict[int, int] = field(default_factory=dict)
    """The jobs' rows in the store; their metrics are there."""
    keys: dict[int, str] = field(default_factory=dict)
    """What decides the jobs' results, wherever they are put."""
    _placed: dict[Path, Path] = field(default_factory=dict)
    """Where named results are, by the path that the settings name, and by their place."""
    _placed_in: dict[str, dict[Path, Path]] = field(default_factory=dict)
    """Those of pipelines that are repeated with seeds: each finds its own."""

    def __post_init__(self) -> None:
        """Let ``iter_1/x`` be found in later iterations too."""
        if self.previous is not None:
            inside = ITERATION.fullmatch
            self._placed |= {
                place: made
                for place, made in self.previous._placed.items()  # noqa: SLF001 (its like)
                if any(inside(part) for part in place.parts)
            }

    def subfolders(self, spec: JobSpec) -> tuple[str, ...]:
        """Name the folders of seed and iteration that a job's named results are put into."""
        iteration = (f"iter_{self.iteration}",) if self.several else ()
        return (*seed_folder(spec.seed), *iteration)

    def place(self, named: Path, spec: JobSpec) -> Path:
        """Return where a named result of a job is to be."""
        return in_subfolders(named, self.subfolders(spec), folder=not named.suffix)

    def add_export(self, export: Export, spec: JobSpec) -> None:
        """Let later jobs find a result by the path that the settings name, or by its place."""
        own = self._placed
        if spec.seed is not None:
            own = self._placed_in.setdefault(spec.pipeline, {})
        for placed, path in ((own, export.named), (self._placed, export.place)):
            resolved = path.resolve()
            placed.pop(resolved, None)  # the latest stands last
            placed[resolved] = export.made

    def placed(self, spec: JobSpec) -> dict[Path, Path]:
        """Say where named results are for a job: its pipeline's own first, the latest first."""
        own = self._placed_in.get(spec.pipeline, {})
        return dict(reversed({**self._placed.copy(), **own.copy()}.items()))
