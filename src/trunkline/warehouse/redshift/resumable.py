"""The statements of an installation that may be stopped at any time and is resumed by another process.

The same batch has the same client token within one scope, so the API returns the statement that an earlier process
started instead of running it again, for eight hours. When the time is over, a running statement is left running: to
cancel it would lose what it did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trunkline import clock
from trunkline.aws.redshift_data import DataApi, ListedStatement, RedshiftTarget, SqlError, Statement, client_token
from trunkline.errors import TransientError


class OutOfTimeError(TransientError):
    """The time of this process is over; what it started goes on, and the next process waits for it."""


@dataclass(frozen=True, slots=True)
class ResumableStatements:
    """A `StatementApi`. `scope` names the installation, the same in each process; `ends_s` is of the monotonic clock.

    Methods that wait raise OutOfTimeError at `ends_s`.
    """

    api: DataApi
    scope: str
    ends_s: float

    @property
    def target(self) -> RedshiftTarget:
        """Where statements go."""
        return self.api.target

    @property
    def sleep(self) -> Callable[[float], None]:
        """What waits."""
        return self.api.sleep

    def batch(
        self, sqls: Sequence[str], token: str, parameters: Mapping[str, str] | None = None, name: str = ""
    ) -> str:
        """Start statements that commit together, or find those that were started; `token` is not used."""
        self._check_time()
        given = sorted((parameters or {}).items())
        return self.api.batch(sqls, client_token(self.target.url, self.scope, *sqls, given), parameters, name)

    def run(
        self, sql: str, token: str, parameters: Mapping[str, str] | None = None, name: str = "", timeout_s: float = 300
    ) -> Statement:
        """One statement to its end, under its own token: a query is asked again in each process."""
        self._check_time()
        return self.wait_for(self.api.execute(sql, token, parameters, name), timeout_s)

    def wait_for(self, statement_id: str, timeout_s: float) -> Statement:
        """Wait for a statement's end. Raises SqlError where it fails; nothing is cancelled."""
        seen = self.api.wait(statement_id, min(clock.monotonic_s() + timeout_s, self.ends_s))
        if not seen.is_ended:
            raise OutOfTimeError(f"Redshift statement {statement_id} is {seen.status}, and the time is over.")
        if seen.status != "FINISHED":
            raise SqlError(seen.error or seen.status, statement_id)
        return seen

    def describe(self, statement_id: str, wait_s: float = 0) -> Statement:
        """The state of a statement."""
        return self.api.describe(statement_id, wait_s)

    def statements_named(self, prefix: str) -> list[ListedStatement]:
        """Statements whose name begins so."""
        return self.api.statements_named(prefix)

    def table(self, statement_id: str) -> tuple[list[tuple[str, str]], list[tuple[Any, ...]]]:
        """Columns and rows of a result."""
        return self.api.table(statement_id)

    def rows(self, statement_id: str) -> Iterator[tuple[Any, ...]]:
        """Rows of a result."""
        return self.api.rows(statement_id)

    def _check_time(self) -> None:
        if clock.monotonic_s() >= self.ends_s:
            raise OutOfTimeError("the time is over before the next statement.")
