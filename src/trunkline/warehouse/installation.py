"""What installing on a server needs whichever it is: rows of `ledger.installation`, and what it must not change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trunkline import clock
from trunkline.errors import TerminalError
from trunkline.objects.model import Object
from trunkline.sql.migrate import TableChange
from trunkline.version import __version__


def installation_rows(fingerprints: Mapping[Object, str]) -> list[dict[str, Any]]:
    """One row per object, now: the hash of its statements, the catalogue's version and ours."""
    now = clock.now_naive()
    return [
        {
            "object": obj.name,
            "fingerprint": fingerprint,
            "catalogue_version": obj.catalogue_version,
            "code_version": __version__,
            "installed_at": now,
        }
        for obj, fingerprint in fingerprints.items()
    ]


def refuse_unsafe(found: Sequence[TableChange]) -> None:
    """Raise TerminalError naming each change that could lose something, with the statements a person would run."""
    refused = [change for change in found if not change.is_safe]
    if refused:
        told = "\n".join(
            f"- {change.sentence}:\n" + "\n".join(f"    {statement};" for statement in change.statements)
            for change in refused
        )
        raise TerminalError(
            "the warehouse differs from the catalogue in ways that could lose what is there, and was left as it is. "
            f"Run these statements by hand where they are right, then `trunkline warehouse install` again:\n{told}"
        )
