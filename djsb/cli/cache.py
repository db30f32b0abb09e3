"""``djsb cache``: the cached results of finished jobs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from djsb.cli.places import open_place, place_option, split_place

if TYPE_CHECKING:
    from pathlib import Path


@click.group()
def cache() -> None:
    """List, explain and clean up cached results.

    A job with the same hook, component, settings and inputs as an earlier execution is not run
    again: its results come from the cache. Run folders link into the cache, so removing an entry
    also removes it from older runs. DJSB_CACHE_DIR sets one cache for all work_dirs.
    """


@cache.command()
@click.argument("where", required=False)
@place_option
@click.option("as_json", "--json", is_flag=True, help="Print JSON, for scripts.")
def ls(where: str | None, *, work_dir: Path | None, as_json: bool) -> None:
    """List the cache of WHERE: an experiment file or a work_dir (default: ./sandbox.yaml)."""
    from djsb.report.cache import entries_json, entries_text, open_cache

    _, place = split_place((where,), work_dir, most=0)
    _, results = open_cache(place)
    if as_json:
        click.echo(json.dumps(entries_json(results), indent=2, ensure_ascii=False))
    else:
        click.echo(entries_text(results))


@cache.command()
@click.argument("job")
@click.argument("where", required=False)
@place_option
@click.option("--run", default="last", help="Id of a run; default: the last one.")
def why(job: str, where: str | None, work_dir: Path | None, run: str) -> None:
    """Explain why JOB (meta_name or pipeline.meta_name) was or was not run.

    WHERE is an experiment file or a work_dir (default: ./sandbox.yaml).
    """
    from djsb.report.cache import open_cache, why_text

    _, place = split_place((where,), work_dir, most=0)
    store, results = open_place(open_cache, place, [job])
    click.echo(why_text(store, results, job, run))


@cache.command()
@click.argument("names", metavar="KEY_OR_JOB... [WHERE]", nargs=-1)
@place_option
@click.option("remove_all", "--all", is_flag=True, help="Remove everything.")
def rm(names: tuple[str, ...], work_dir: Path | None, *, remove_all: bool) -> None:
    """Remove entries by key prefix (4 digits or more) or by job name.

    WHERE is an experiment file or a work_dir (default: ./sandbox.yaml). Run folders link into the
    cache: a removed entry is gone from older runs too.
    """
    from djsb.report.cache import open_cache, remove_entries

    keys, where = split_place(names, work_dir)
    if bool(keys) == remove_all:
        raise click.UsageError("name keys or jobs, or pass --all")
    store, results = open_place(open_cache, where, keys)
    click.echo(remove_entries(store, results, None if remove_all else keys))


@cache.command()
@click.argument("where", required=False)
@place_option
@click.option("max_size", "--max-size", metavar="SIZE", help="Such as 500MB, 10GB, 2GiB or 0.")
@click.option("dry_run", "--dry-run", is_flag=True, help="Only list what would be removed.")
def gc(where: str | None, work_dir: Path | None, max_size: str | None, *, dry_run: bool) -> None:
    """Remove leftovers of killed jobs and replaced results; then shrink the cache to SIZE.

    Least recently used entries are removed first; entries in use by a running run are kept. Run
    folders link into the cache: a removed entry is gone from older runs too.
    """
    from djsb.report.cache import collect_text, open_cache, parse_size

    limit = None if max_size is None else parse_size(max_size)
    _, place = split_place((where,), work_dir, most=0)
    store, results = open_cache(place)
    click.echo(collect_text(store, results, limit, dry_run=dry_run))


@cache.command()
@click.argument("where", required=False)
@place_option
@click.pass_context
def verify(ctx: click.Context, where: str | None, *, work_dir: Path | None) -> None:
    """Read results and inputs again, and list those that changed unseen, as by a failing disk.

    WHERE is an experiment file or a work_dir (default: ./sandbox.yaml). Otherwise a file is read
    again only if its size, times or inode change. Exit status: 1 if anything has changed.
    """
    from djsb.report.cache import open_cache, verify_text

    _, place = split_place((where,), work_dir, most=0)
    _, results = open_cache(place)
    text, is_whole = verify_text(results)
    click.echo(text)
    if not is_whole:
        ctx.exit(1)
