"""The list of engines. Adding one takes a file beside this one and a line here."""

from __future__ import annotations

from trunkline.engines.athena import ATHENA
from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import Engine
from trunkline.engines.postgres import POSTGRES
from trunkline.engines.redshift import REDSHIFT
from trunkline.errors import UsageError

ENGINES: dict[str, Engine] = {
    DUCKDB.name: DUCKDB,
    POSTGRES.name: POSTGRES,
    REDSHIFT.name: REDSHIFT,
    ATHENA.name: ATHENA,
}


def find(name: str) -> Engine:
    """The engine of this name. Raises UsageError naming the valid ones."""
    if name not in ENGINES:
        raise UsageError(f"there is no engine {name!r}; engines are {', '.join(ENGINES)}")
    return ENGINES[name]
