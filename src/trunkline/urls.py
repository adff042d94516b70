"""The URLs of lakes and warehouses: which are valid, their local paths, and how they are shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from trunkline.errors import UsageError, printable

LAKE_URLS: Final = {"file": "file:///data/lake", "s3": "s3://bucket/prefix"}
WAREHOUSE_URLS: Final = {
    "duckdb": "duckdb:///data/warehouse.duckdb",
    "postgresql": "postgresql://loader@host:5432/database",
    "redshift+data": "redshift+data://cluster/database?staging=s3://bucket/prefix&iam_role=default",
    "redshift": "redshift://loader@host:5439/database?staging=s3://bucket/prefix&iam_role=default",
}
"""URL schemes of the lake and the warehouse, with an example each; `warehouse/targets.py` opens the latter."""


_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/+")
_SECRET_PARAMETER: Final = re.compile(
    r"([?&][^=&#@]*(?:password|passwd|pwd|token|secret(?!_arn))[^=&#@]*)=.*", re.IGNORECASE | re.DOTALL
)
_HIDDEN: Final = "***"
_SHOWN_MAX: Final = 300


def path_of(url: str) -> Path:
    """The local path of a `file://` or `duckdb:///` URL."""
    return Path(unquote(urlsplit(url).path))


def public_url(url: str) -> str:
    """A URL for messages: nothing of its userinfo, and no parameter that holds a secret. Every message uses this.

    A password with an unencoded `@`, `/`, `?` or `#` ends the userinfo too early for a parser. So everything before the
    last `@` is taken for userinfo, and everything after the name of a secret parameter for its value; where that hides
    too much, the message is shorter. What is no URL, such as a connection string of key=value pairs, is hidden whole.
    """
    scheme = _SCHEME.match(url)
    if scheme is None:
        return _HIDDEN if re.search("[@=]", url) else printable(url, _SHOWN_MAX)
    rest = _SECRET_PARAMETER.sub(rf"\1={_HIDDEN}", url[scheme.end() :])
    if "@" in rest and _may_have_userinfo(scheme[0], rest):
        rest = f"{_HIDDEN}@{rest.rpartition('@')[2]}"
    return printable(scheme[0] + rest, _SHOWN_MAX)


def _may_have_userinfo(scheme: str, rest: str) -> bool:
    """Local paths and keys of S3 may hold an `@`; a bucket's name holds neither that nor a colon."""
    name = scheme.partition(":")[0].lower()
    if name in ("file", "duckdb"):
        return not scheme.endswith("///")
    return name != "s3" or any(sign in rest.partition("/")[0] for sign in ":@")


def check_url(url: str, examples: Mapping[str, str], where: str) -> None:
    """Raises UsageError unless the URL is empty, or has one of the examples' schemes and names a place."""
    if not url:
        return
    valid = f"; valid is a URL such as {' or '.join(examples.values())}."
    shown = public_url(url)
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise UsageError(f"{where} is {shown!r}, which is not a valid URL{valid}") from error
    if parts.scheme not in examples:
        raise UsageError(f"{where} is {shown!r}{valid}")
    before_host = url[len(parts.scheme) + 3 :].rpartition("@")[0]
    if parts.scheme not in ("file", "duckdb", "s3") and re.search("[/?#@]", before_host):
        reason = "which has / ? # or @ unencoded in a user, password or option; write %2F %3F %23 %40"
        raise UsageError(f"{where} is {shown!r}, {reason}{valid}")
    if parts.scheme == "s3" and any(sign in parts.netloc for sign in ":@"):
        raise UsageError(f"{where} is {shown!r}, and a bucket's URL has no credentials; set AWS_PROFILE{valid}")
    if parts.scheme == "s3" and not parts.netloc:
        raise UsageError(f"{where} is {shown!r}, which names no bucket{valid}")
    if parts.scheme in ("file", "duckdb") and (parts.netloc or len(parts.path) < 2):
        raise UsageError(f"{where} is {shown!r}, which names no absolute path (three slashes){valid}")
    if parts.scheme not in ("file", "duckdb", "s3") and len(parts.path) < 2:
        raise UsageError(f"{where} is {shown!r}, which names no database{valid}")
