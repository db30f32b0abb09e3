"""``djsb cache``: what finished jobs left to be used again."""

from __future__ import annotations

import json
from pathlib import Path

import click

WHERE = click.Path(exists=True, path_type=Path)


@click.group()
def cache() -> None:
    """Look at, explain and clean the results that are kept to be used again.

    A job whose hook, component, settings and inputs are those of an earlier execution is not run
    again: its results are taken from the cache. The folders of runs link into the cache; what is
    removed from it is gone from older runs too. DJSB_CACHE_DIR names a cache for all work_dirs.
    """


@cache.command()
@click.argument("where", required=False, type=WHERE)
@click.option("as_json", "--json", is_flag=True, help="For scripts.")
def ls(where: Path | None, *, as_json: bool) -> None:
    """List what is kept for WHERE: an experiment file or a work_dir (default: ./sandbox.yaml)."""
    from djsb.report.cache import entries_json, entries_text, open_cache

    _, found = open_cache(where)
    if as_json:
        click.echo(json.dumps(entries_json(found), indent=2, ensure_ascii=False))
    else:
        click.echo(entries_text(found))


@cache.command()
@click.argument("job")
@click.argument("where", required=False, type=WHERE)
@click.option("--run", default="last", help="A run's id; default: the last one.")
def why(job: str, where: Path | None, run: str) -> None:
    """Say why JOB (meta_name or pipeline.meta_name) was run, or was not.

    WHERE is an experiment file or a work_dir (default: ./sandbox.yaml).
    """
    from djsb.report.cache import open_cache, why_text

    store, found = open_cache(where)
    click.echo(why_text(store, found, job, run))


@cache.command()
@click.argument("names", metavar="KEY_OR_JOB...", nargs=-1)
@click.option("where", "-w", "--work-dir", type=WHERE, help="A work_dir or an experiment file.")
@click.option("remove_all", "--all", is_flag=True, help="Remove everything.")
def rm(names: tuple[str, ...], where: Path | None, *, remove_all: bool) -> None:
    """Remove entries by the start of their key (4 digits or more) or by the name of their job.

    Folders of older runs link into the cache: what is removed is gone from them too.
    """
    from djsb.report.cache import open_cache, remove_entries

    if bool(names) == remove_all:
        raise click.UsageError("name keys or jobs, or give --all")
    store, found = open_cache(where)
    click.echo(remove_entries(store, found, None if remove_all else names))


@cache.command()
@click.argument("where", required=False, type=WHERE)
@click.option("max_size", "--max-size", metavar="SIZE", help="Such as 500MB, 10GB, 2GiB or 0.")
@click.option("dry_run", "--dry-run", is_flag=True, help="Only say what would be removed.")
def gc(where: Path | None, max_size: str | None, *, dry_run: bool) -> None:
    """Remove what killed jobs left and what newer results replaced; then, down to SIZE, the rest.

    What was not used for longest goes first. What a run that still goes on uses is kept. Folders
    of older runs link into the cache: what is removed is gone from them too.
    """
    from djsb.report.cache import collect_text, open_cache, parse_size

    limit = None if max_size is None else parse_size(max_size)
    store, found = open_cache(where)
    click.echo(collect_text(store, found, limit, dry_run=dry_run))
