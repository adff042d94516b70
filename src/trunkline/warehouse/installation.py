"""What was installed on a server, as rows of `ledger.installation`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import trunkline
from trunkline import clock
from trunkline.objects.model import Object


def installation_rows(fingerprints: Mapping[Object, str]) -> list[dict[str, Any]]:
    """One row per object, now: the hash of its statements, the catalogue's version and ours."""
    now = clock.now_naive()
    return [
        {
            "object": obj.name,
            "fingerprint": fingerprint,
            "catalogue_version": obj.catalogue_version,
            "code_version": trunkline.__version__,
            "installed_at": now,
        }
        for obj, fingerprint in fingerprints.items()
    ]
