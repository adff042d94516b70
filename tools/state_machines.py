"""State machines, schedules and rules, from the catalogue: `state_machines/`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from trunkline.objects.catalogue import OBJECTS
from trunkline.orchestration.all_objects import all_objects_machine
from trunkline.orchestration.backfill import backfill_machine
from trunkline.orchestration.firings import rules, schedules
from trunkline.orchestration.machine import object_machine

FOLDER = "state_machines"


def state_machines() -> Iterator[tuple[str, str]]:
    """One definition per object, that of all objects, that of a backfill, and what starts them."""
    for obj in OBJECTS.values():
        yield f"{FOLDER}/{obj.name}.asl.json", _text(object_machine(obj))
    yield f"{FOLDER}/all_objects.asl.json", _text(all_objects_machine(OBJECTS.values()))
    yield f"{FOLDER}/backfill.asl.json", _text(backfill_machine())
    yield f"{FOLDER}/schedules.json", _text(schedules(OBJECTS.values()))
    yield f"{FOLDER}/rules.json", _text(rules(OBJECTS.values()))


def _text(value: Any) -> str:
    return json.dumps(value, indent=2) + "\n"
