"""The options that every command takes, so that they are spelled and explained once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trunkline.cli.output import Format

Home = Annotated[
    Path | None,
    typer.Option(
        "--home",
        help="Folder of lake, warehouse and trunkline.toml (default: TRUNKLINE_HOME, else ./trunkline-data).",
        show_default=False,
        file_okay=False,
    ),
]
Output = Annotated[Format, typer.Option("--output", help="How data is written to standard output.")]
