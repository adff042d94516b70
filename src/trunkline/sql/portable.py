"""Portable SQL into an engine's own: what views and metrics are written in.

Portable SQL is what DuckDB, PostgreSQL, Redshift and Athena (Trino) read alike, with names in double quotes and texts
in single ones, and one function of our own: `MS_BETWEEN("a", "b")`, the whole milliseconds from timestamp column a to
timestamp column b, NULL when either is NULL. What else differs is in `engines/spelling.py`.
"""

from __future__ import annotations

import re
from typing import Final

from trunkline.engines.model import Engine

_TOKEN: Final = re.compile(r"""MS_BETWEEN\(("\w+"), ("\w+")\)|'(?:[^']|'')*'|"((?:[^"]|"")*)\"""")


def render(portable: str, engine: Engine) -> str:
    """A portable expression or statement in the engine's own SQL: MS_BETWEEN spelled, names quoted its way."""

    def rendered(token: re.Match[str]) -> str:
        if token[1]:
            return engine.spelling.ms_between(render(token[1], engine), render(token[2], engine))
        return token[0] if token[3] is None else engine.quote(token[3].replace('""', '"'))

    return _TOKEN.sub(rendered, portable)
