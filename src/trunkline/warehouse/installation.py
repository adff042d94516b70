"""What every server's installation shares: the rows of `ledger.installation`, and the changes that it must refuse."""

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


def refuse_unsafe(changes: Sequence[TableChange]) -> None:
    """Raise TerminalError naming each change that could lose something, with the statements a person would run."""
    refused = [change for change in changes if not change.is_safe]
    if refused:
        listed = "\n".join(
            f"- {change.sentence}:\n" + "\n".join(f"    {statement};" for statement in change.statements)
            for change in refused
        )
        raise TerminalError(
            "the warehouse differs from the catalogue, and adapting it could lose data; nothing was changed. "
            f"Run the statements that you agree with by hand, then run `trunkline warehouse install` again:\n{listed}"
        )
