"""The URLs of lakes and warehouses: which are valid, their local paths, and how they are shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from trunkline.errors import UsageError

LAKE_URLS: Final = {"file": "file:///data/lake", "s3": "s3://bucket/prefix"}
WAREHOUSE_URLS: Final = {
    "duckdb": "duckdb:///data/warehouse.duckdb",
    "postgresql": "postgresql://loader@host:5432/database",
    "redshift+data": "redshift+data://cluster/database?staging=s3://bucket/prefix&iam_role=default",
    "redshift": "redshift://loader@host:5439/database?staging=s3://bucket/prefix&iam_role=default",
}
"""URL schemes of the lake and the warehouse, with an example each; `warehouse/targets.py` opens the latter."""


def path_of(url: str) -> Path:
    """The local path of a `file://` or `duckdb:///` URL."""
    return Path(unquote(urlsplit(url).path))


def without_password(url: str) -> str:
    """The URL for people: a password in it, before the host or as a parameter, is left out."""
    without = re.sub(r"^([^:]*://[^:/?#]*):[^/?#]*@", r"\1@", url)
    return re.sub(r"([?&])password=[^&#]*(?:&|$)", r"\1", without, flags=re.IGNORECASE).rstrip("?&")


def check_url(url: str, examples: Mapping[str, str], where: str) -> None:
    """Raises UsageError unless the URL is empty, or has one of the examples' schemes and names a place."""
    if not url:
        return
    parts = urlsplit(url)
    valid = f"; valid is a URL such as {' or '.join(examples.values())}."
    shown = without_password(url)
    if parts.scheme not in examples:
        raise UsageError(f"{where} is {shown!r}{valid}")
    if parts.scheme == "s3" and not parts.netloc:
        raise UsageError(f"{where} is {shown!r}, which names no bucket{valid}")
    if parts.scheme in ("file", "duckdb") and (parts.netloc or len(parts.path) < 2):
        raise UsageError(f"{where} is {shown!r}, which names no absolute path (three slashes){valid}")
    if parts.scheme not in ("file", "duckdb", "s3") and len(parts.path) < 2:
        raise UsageError(f"{where} is {shown!r}, which names no database{valid}")
