"""`trunkline sql`: questions to the embedded lake and warehouse."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from trunkline.cli import output
from trunkline.cli.open import read
from trunkline.cli.options import Home, Output
from trunkline.cli.output import Format


def sql(
    statement: Annotated[str, typer.Argument(metavar="SQL", help="One SELECT, or - for standard input.")],
    home: Home = None,
    output_format: Output = Format.TABLE,
    dialect: Annotated[
        Literal["duckdb", "athena", "postgres", "redshift"] | None,
        typer.Option("--dialect", help="Whose SQL it is (default: the warehouse's); athena has Trino's meaning."),
    ] = None,
) -> None:
    """Ask the warehouse or the lake a question.

    Tables are named as in Amazon's data lake, connect_datalake.contact_record and contact_statistic_record, and as in
    the post-call application, post_call_analytics.calls, with or without the database; the lake's files are
    lake.contact_record and lake.contact_record_versions. Nothing can be
    changed from here. With --dialect athena a query written for Athena runs unchanged, integer division included.

    Where the warehouse is a server, it answers its own SQL; --dialect duckdb and athena are answered from the lake.

    Example: trunkline sql "SELECT channel, count(*) AS contacts FROM contact_record GROUP BY channel"
    """
    from trunkline.pipelines.reading import query

    with read(home) as opened:
        answer = query(opened, sys.stdin.read() if statement == "-" else statement, dialect)
    output.rows(answer.columns, answer.rows, output_format)
