"""Results of an iteration's finished jobs, for later jobs."""

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
    """Whether the experiment may have several iterations: then each has its own folders."""
    previous: History | None = None
    outputs: dict[int, dict[str, Any]] = field(default_factory=dict)
    job_ids: dict[int, int] = field(default_factory=dict)
    """The jobs' rows in the store, which hold their metrics."""
    keys: dict[int, str] = field(default_factory=dict)
    """The jobs' keys, independent of where results are exported to."""
    _placed: dict[Path, Path] = field(default_factory=dict)
    """Locations of named results, by the path in the settings and by their exported path."""
    _placed_in: dict[str, dict[Path, Path]] = field(default_factory=dict)
    """Those of pipelines repeated with seeds, by pipeline."""

    def __post_init__(self) -> None:
        """Make ``iter_1/x`` available in later iterations too."""
        if self.previous is not None:
            is_iteration = ITERATION.fullmatch
            self._placed |= {
                place: source
                for place, source in self.previous._placed.items()  # noqa: SLF001 (its like)
                if any(is_iteration(part) for part in place.parts)
            }

    def subfolders(self, spec: JobSpec) -> tuple[str, ...]:
        """Return the folders of seed and iteration for a job's named results."""
        iteration = (f"iter_{self.iteration}",) if self.several else ()
        return (*seed_folder(spec.seed), *iteration)

    def place(self, named: Path, spec: JobSpec) -> Path:
        """Return where a job's named result is exported to."""
        return in_subfolders(named, self.subfolders(spec), folder=not named.suffix)

    def add_export(self, export: Export, spec: JobSpec) -> None:
        """Let later jobs find a result by the path in the settings, or by its exported path."""
        own = self._placed
        if spec.seed is not None:
            own = self._placed_in.setdefault(spec.pipeline, {})
        for placed, path in ((own, export.named), (self._placed, export.place)):
            resolved = path.resolve()
            placed.pop(resolved, None)  # the latest comes last
            placed[resolved] = export.source

    def placed(self, spec: JobSpec) -> dict[Path, Path]:
        """Return the named results visible to a job: its pipeline's own first, latest first."""
        own = self._placed_in.get(spec.pipeline, {})
        return dict(reversed({**self._placed.copy(), **own.copy()}.items()))
