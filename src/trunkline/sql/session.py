"""What stages need of an open warehouse, whatever its engine: queries and writes with `$1, $2, ...` bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from trunkline.engines.model import Engine
from trunkline.objects.ledger import LedgerTable

Rows = list[tuple[Any, ...]]


class Session(Protocol):
    """An open connection to one engine. Values are bound, never written into the text.

    Statements say `$1, $2, ...` in every engine; a session turns that into what its engine takes.
    """

    @property
    def engine(self) -> Engine:
        """The engine that runs the statements."""

    def query(self, sql: str, values: Sequence[object] = ()) -> Rows:
        """All rows of a query."""

    def run(self, sql: str, values: Sequence[object] = ()) -> None:
        """A statement that changes something. A session may send several together and not wait for each result."""

    def put(self, table: LedgerTable, rows: Sequence[Mapping[str, Any]], better: Sequence[str] = ()) -> None:
        """Insert rows of a ledger table whose key is absent.

        An existing row is replaced only if the new one is greater in the columns `better`, compared in order.
        """
