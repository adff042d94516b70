"""`sql/catalogue/<object>.txt`: what rows of an object hold at its catalogue version, kept so that a change shows.

The lake keeps rows of every version, and a row under a higher catalogue version replaces one under a lower. So a change
of what rows hold has to come with a higher version; without one, these files are not written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from trunkline.objects.catalogue import OBJECTS
from trunkline.objects.model import Column, Object

FOLDER = "sql/catalogue"
_VERSION = re.compile(r"^catalogue_version (\d+)$", re.MULTILINE)


def versions() -> Iterator[tuple[str, str]]:
    """The files of all built-in objects."""
    return ((f"{FOLDER}/{obj.name}.txt", fingerprint(obj)) for obj in OBJECTS.values())


def fingerprint(obj: Object) -> str:
    """Version, key, order and columns of an object: all of its declaration that a stored row depends on."""
    facts = [
        f"catalogue_version {obj.catalogue_version}",
        f"key {', '.join(obj.key)}",
        f"version {obj.version}",
        f"partition {obj.partition}",
        f"redaction {' '.join(obj.redaction) if obj.redaction else 'none'}",
    ]
    return "\n".join([*facts, "", *(_line(column) for column in obj.columns)]) + "\n"


def _line(column: Column) -> str:
    parts = [
        column.name,
        repr(column.type) if not isinstance(column.type, str) else column.type,
        ".".join(column.path) if column.path else "-",
        column.transform,
        column.pii,
        "" if column.nullable else "not null",
    ]
    return "  ".join(filter(None, parts))


def unversioned(root: Path, files: Mapping[str, str]) -> list[str]:
    """One line per object whose rows would change although its version is not above that of the file under `root`."""
    return [line for path, text in files.items() if path.startswith(FOLDER) for line in _unversioned(root / path, text)]


def _unversioned(path: Path, text: str) -> Iterable[str]:
    before = path.read_text(encoding="utf-8") if path.is_file() else text
    old, new = (int(found[1]) if (found := _VERSION.search(each)) else 0 for each in (before, text))
    if before != text and new <= old:
        changed = sorted({line.split()[0] for line in set(before.splitlines()) ^ set(text.splitlines()) if line})
        yield (
            f"unversioned {path.stem}: {', '.join(changed)} changed; raise catalogue_version above {old}, so that "
            "records read again replace the rows of before"
        )
