"""The options that every command takes, so that they are spelled and explained once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from trunkline.cli.output import Format
from trunkline.engines.catalogue import ENGINES

Home = Annotated[
    Path | None,
    typer.Option(
        "--home",
        help="Folder of lake, warehouse and trunkline.toml (default: TRUNKLINE_HOME, else ./trunkline-data).",
        show_default=False,
        file_okay=False,
    ),
]


def engine_option(flag: str, purpose: str) -> Any:
    """An option that takes the name of an engine. `find` of `engines.catalogue` refuses any other name."""
    names = ", ".join(ENGINES)
    return typer.Option(flag, metavar="ENGINE", help=f"{purpose}: {names}.", autocompletion=lambda: list(ENGINES))


Output = Annotated[Format, typer.Option("--output", help="How data is written to standard output.")]
