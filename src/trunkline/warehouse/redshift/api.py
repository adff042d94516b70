"""What a Redshift warehouse asks of whoever carries its statements: the Data API, or a connection of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from trunkline.aws.redshift_data import Named, Statement, Target


class Api(Protocol):
    """Statements by token; every method means what `DataApi` says of it."""

    @property
    def target(self) -> Target:
        """Where statements go."""

    @property
    def sleep(self) -> Callable[[float], None]:
        """What waits."""

    def batch(
        self, sqls: Sequence[str], token: str, parameters: Mapping[str, str] | None = None, name: str = ""
    ) -> str:
        """Start statements that commit together."""

    def run(
        self, sql: str, token: str, parameters: Mapping[str, str] | None = None, name: str = "", timeout_s: float = 300
    ) -> Statement:
        """One statement to its end."""

    def ended(self, statement_id: str, timeout_s: float) -> Statement:
        """Wait for a statement's end."""

    def describe(self, statement_id: str, wait_s: float = 0) -> Statement:
        """What became of a statement."""

    def named(self, prefix: str) -> list[Named]:
        """Statements whose name begins so."""

    def table(self, statement_id: str) -> tuple[list[tuple[str, str]], list[tuple[Any, ...]]]:
        """Columns and rows of a result."""

    def rows(self, statement_id: str) -> Iterator[tuple[Any, ...]]:
        """Rows of a result."""
