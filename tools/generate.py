"""`python -m tools.generate [--check]`: write every file that is generated from the catalogue.

A producer yields (path, text) pairs; a new one is added to `PRODUCERS`. With `--check` nothing is written: files that
are stale, missing, or no longer produced are listed, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from tools import catalogue_versions, pages, sql_files, state_machines, table_pages
from tools.dashboards import dashboards
from tools.dbt_sources import dbt_sources
from tools.dictionary import dictionary
from tools.terraform import terraform_files
from trunkline.engines.catalogue import ENGINES
from trunkline.objects.catalogue import OBJECTS
from trunkline.sql.ddl import script
from trunkline.sql.grants import grant_statements, role_statements
from trunkline.sql.lake.athena import EXAMPLE_LAKE, object_statements
from trunkline.sql.merge.procedures import procedure_name, procedure_statements
from trunkline.sql.star import analysis_statements

SERVERS = tuple(name for name, engine in ENGINES.items() if engine.roles)
"""Engines with roles are servers."""
Produced = Iterable[tuple[str, str]]


def tables() -> Produced:
    """`sql/<engine>/<object>.sql`: tables and views of every object in every engine."""
    for name, engine in ENGINES.items():
        for obj in OBJECTS.values():
            note = f"The lake is {EXAMPLE_LAKE} here: put the URL of yours in its place. Run one statement at a time."
            statements = object_statements(obj, engine, EXAMPLE_LAKE)
            yield f"sql/{name}/{obj.name}.sql", script(statements, "" if engine.tables else note)


def dictionaries() -> Produced:
    """`docs/reference/objects/<object>.md`: the data dictionary with the picture of the flow."""
    for obj in OBJECTS.values():
        yield f"docs/reference/objects/{obj.name}.md", dictionary(obj)


def procedures() -> Produced:
    """`sql/<engine>/<object>_procedures.sql`: what overwrites a server's table by key."""
    for name in SERVERS:
        for obj in OBJECTS.values():
            note = f"Call {procedure_name(obj)}() or {procedure_name(obj)}(staging, batch_id)."
            yield f"sql/{name}/{obj.name}_procedures.sql", script(procedure_statements(obj, ENGINES[name]), note)


def stars() -> Produced:
    """`sql/<engine>/star.sql`: Amazon's statistics, the star schema and contact families, as views."""
    for name, engine in ENGINES.items():
        if engine.tables:
            yield f"sql/{name}/star.sql", script(analysis_statements(OBJECTS.values(), engine))


def grants() -> Produced:
    """`sql/<engine>/roles.sql` and `grants.sql`: who reads what."""
    for name, engine in ENGINES.items():
        if engine.roles:
            yield f"sql/{name}/roles.sql", script(role_statements(engine), engine.roles.note)
            yield f"sql/{name}/grants.sql", script(grant_statements(OBJECTS.values(), engine))


def dbt() -> Produced:
    """`integrations/dbt/sources.yml`."""
    yield "integrations/dbt/sources.yml", dbt_sources(OBJECTS.values())


PRODUCERS: tuple[Callable[[], Produced], ...] = (
    catalogue_versions.versions,
    tables,
    dictionaries,
    table_pages.view_pages,
    table_pages.ledger_page,
    pages.commands,
    pages.metrics,
    pages.settings,
    pages.reasons,
    sql_files.metric_queries,
    sql_files.views,
    sql_files.embedded_statements,
    procedures,
    stars,
    grants,
    dbt,
    dashboards,
    terraform_files,
    state_machines.state_machines,
)

OWNED_FOLDERS = (
    *(f"sql/{name}" for name in ENGINES),
    catalogue_versions.FOLDER,
    "docs/reference/objects",
    "integrations/dbt",
    "dashboards",
    state_machines.FOLDER,
)
"""Folders that hold only generated files; a file in them without a producer is removed."""


def produced(producers: Sequence[Callable[[], Produced]] = PRODUCERS) -> dict[str, str]:
    """Path to text of every generated file. Raises ValueError where two producers give one path."""
    files: dict[str, str] = {}
    for producer in producers:
        for path, text in producer():
            if path in files:
                raise ValueError(f"{path} is produced twice")
            files[path] = text
    return files


def differences(root: Path, files: dict[str, str]) -> list[str]:
    """One line per file that is `missing`, `stale` or `extra` under `root`; empty when all is as produced."""
    lines = []
    for path, text in sorted(files.items()):
        target = root / path
        if not target.is_file():
            lines.append(f"missing {path}")
        elif target.read_bytes() != text.encode():
            lines.append(f"stale {path}")
    return lines + [f"extra {path}" for path in _extra(root, files)]


def write(root: Path, files: dict[str, str]) -> None:
    """Make the files under `root` as produced, and remove those that nothing produces."""
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())
    for path in _extra(root, files):
        (root / path).unlink()


def _extra(root: Path, files: dict[str, str]) -> list[str]:
    paths = (path for folder in OWNED_FOLDERS for path in (root / folder).rglob("*") if path.is_file())
    names = (path.relative_to(root).as_posix() for path in paths)
    return sorted(name for name in names if name not in files)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 done or up to date, 1 out of date with `--check` or a version not raised, 2 wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.generate", description="Write every file generated from the catalogue."
    )
    parser.add_argument("--check", action="store_true", help="name files that are out of date, write nothing")
    parser.add_argument("--root", type=Path, default=Path(), help="the repository, by default the current folder")
    options = parser.parse_args(arguments)
    files = produced()
    refused = catalogue_versions.unversioned(options.root, files)
    lines = refused + differences(options.root, files)
    if not options.check and not refused:
        write(options.root, files)
    for line in lines:
        sys.stdout.write(f"{line}\n")
    if refused:
        sys.stderr.write("nothing was written: what rows hold changed under one catalogue version\n")
        return 1
    if options.check and lines:
        sys.stderr.write("generated files are out of date; run `python -m tools.generate`\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
