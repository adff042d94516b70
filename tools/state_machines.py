"""State machines, schedules and rules, from the catalogue: `state_machines/`."""

from __future__ import annotations

import json
from collections.abc import Iterator

from trunkline.objects.catalogue import OBJECTS
from trunkline.orchestration.firings import definitions

FOLDER = "state_machines"


def state_machines() -> Iterator[tuple[str, str]]:
    """Path and text of each definition."""
    for name, content in definitions(OBJECTS.values()):
        yield f"{FOLDER}/{name}", json.dumps(content, indent=2) + "\n"
