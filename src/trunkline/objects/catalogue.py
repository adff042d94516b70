"""The explicit list of objects. Adding one is a file beside this one and a line here."""

from __future__ import annotations

from trunkline.errors import UsageError
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.objects.model import Object

OBJECTS: dict[str, Object] = {
    CONTACT_RECORD.name: CONTACT_RECORD,
}


def find(name: str) -> Object:
    """The object of this name. Raises UsageError naming the valid ones."""
    if name not in OBJECTS:
        raise UsageError(f"there is no object {name!r}; objects are {', '.join(OBJECTS)}")
    return OBJECTS[name]
