"""`trunkline doctor`: does everything hold that should?"""

from __future__ import annotations

import typer

from trunkline.cli import output
from trunkline.cli.open import read
from trunkline.cli.options import Home, Output
from trunkline.cli.output import Format


def doctor(home: Home = None, output_format: Output = Format.TABLE) -> None:
    """Examine a home: does everything hold that should?

    Does the accounting add up, is work unfinished, is a key there twice, do lake and warehouse agree, what is set
    aside, which days are certified or lack contacts that Connect lists, which fields are unknown, vanished, changed
    their type or clash in case.

    Exits 1 when the accounting, the keys or lake and warehouse are wrong, or a certified contact is gone; what is
    missing (`trunkline reconcile`), drift and records set aside are only told.

    Example: trunkline doctor --home ./my-centre
    """
    from trunkline.pipelines.state import examine

    with read(home) as opened:
        findings = examine(opened)
    rows = [("ok" if one.is_well else "look", one.check, one.detail) for one in findings]
    output.rows(["state", "check", "detail"], rows, output_format)
    grave = ("accounting", "one row a key", "lake = warehouse", "certified")
    if any(not one.is_well and one.check.endswith(grave) for one in findings):
        raise typer.Exit(1)
