"""Effectively once: after any failure, a statement is found and waited for, never run twice.

The work has a key. Each try of it is a batch of statements with a name and a token made of the key and the try's
number: under the token the API gives the same statement for 8 hours, under the name it lists it for 24. Before a new
try begins, every earlier one has ended; then the ledger says whether one of them did the work. So a process that
dies between any two calls leaves nothing, or a statement that the next process finds, or a ledger row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from trunkline import clock
from trunkline.aws.errors import RefusedError
from trunkline.aws.redshift_data import (
    ENDED,
    ListedStatement,
    RedshiftTarget,
    SqlError,
    Statement,
    StatementTimeoutError,
    client_token,
    start,
)
from trunkline.errors import TransientError
from trunkline.limits import LOAD_CONFLICT_PAUSE_S, LOAD_CONFLICT_TRIES

_NAME: Final = "trunkline-load-"
# A start that gets no answer is repeated under its token after these pauses; boto3 has retried each time already.
_START_PAUSES_S: Final = (0.5, 1.0, 2.0)
# Another transaction changed what this one read, or the two were in a deadlock. 1023 is the serializable conflict,
# 1018 the table that another transaction has replaced (database developer guide, serializable isolation).
_CONFLICT: Final = re.compile(
    r"\b1023\b|\b1018\b|serializable isolation violation|could not serialize access|deadlock detected|"
    r"concurrent transaction|snapshot isolation",
    re.IGNORECASE,
)


class StatementApi(Protocol):
    """Statements by token; every method means what `DataApi` says of it."""

    @property
    def target(self) -> RedshiftTarget:
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

    def wait_for(self, statement_id: str, timeout_s: float) -> Statement:
        """Wait for a statement's end."""

    def describe(self, statement_id: str, wait_s: float = 0) -> Statement:
        """The state of a statement."""

    def statements_named(self, prefix: str) -> list[ListedStatement]:
        """Statements whose name begins so."""

    def table(self, statement_id: str) -> tuple[list[tuple[str, str]], list[tuple[Any, ...]]]:
        """Columns and rows of a result."""

    def rows(self, statement_id: str) -> Iterator[tuple[Any, ...]]:
        """Rows of a result."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one try sends: statements that commit together, and the values that they share."""

    sqls: Sequence[str]
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Work:
    """One piece of work.

    `key` says what is done, 32 hexadecimal digits, the same in every process. `request(number)` prepares the try of
    that number and may put files for it. `is_done()` queries the ledger. `said` receives progress messages.
    """

    key: str
    request: Callable[[int], Attempt]
    is_done: Callable[[], bool]
    timeout_s: float
    said: Callable[[str], None] = lambda _: None


def perform(api: StatementApi, work: Work) -> int:
    """Do the work once; returns how many tries preceded the successful one, those of other processes included.

    Raises SqlError when the database refuses it, StatementTimeoutError when it took too long and was cancelled,
    TransientError when the API cannot be reached or every try lost against another transaction.
    """
    tries = _settle(api, work)
    if work.is_done():
        return tries
    pause = LOAD_CONFLICT_PAUSE_S
    for lost in range(LOAD_CONFLICT_TRIES):
        number = tries + lost + 1
        try:
            api.wait_for(_start(api, work, number), work.timeout_s)
            return number - 1
        except SqlError as error:
            if not is_conflict(error):
                raise
            work.said(f"another transaction won ({error.text.splitlines()[0]}); trying again in {pause:g} s")
        api.sleep(pause)
        pause *= 2
    raise TransientError(
        f"{LOAD_CONFLICT_TRIES} tries lost against other transactions on the same table: let one loader at a time "
        "write it, then run the same command again; nothing is lost and nothing was loaded twice."
    )


def is_conflict(error: SqlError) -> bool:
    """Whether a statement lost against another transaction, so that the same may succeed later."""
    return _CONFLICT.search(error.text) is not None


def name_of(key: str, number: int | str = "") -> str:
    """The name of a try's statement; without a number the beginning that all of them share."""
    return f"{_NAME}{key}-{number}"


def token_of(api: StatementApi, key: str, number: int) -> str:
    """The client token of a try."""
    return client_token(api.target.url, key, number)


def _settle(api: StatementApi, work: Work) -> int:
    """Wait for what earlier processes left running, and cancel it at last; returns the number of the last try."""
    last = 0
    for statement in api.statements_named(name_of(work.key)):
        text = statement.name.rpartition("-")[2]
        last = max(last, int(text) if text.isdigit() else 0)
        if statement.status in ENDED:
            continue
        work.said(f"waiting for statement {statement.id}, which an earlier run began")
        try:
            left = work.timeout_s - (clock.now() - statement.created_at).total_seconds()
            api.wait_for(statement.id, max(left, 0))
        except (SqlError, StatementTimeoutError):
            pass  # it ended without an effect
        except RefusedError:
            continue  # the API no longer knows it, so it ended long ago
        if not api.describe(statement.id).is_ended:
            raise TransientError(
                f"statement {statement.id} of an earlier run does not end though it was cancelled: wait for it, then "
                "run the same command again."
            )
    return last


def _start(api: StatementApi, work: Work, number: int) -> str:
    attempt = work.request(number)
    token, name = token_of(api, work.key, number), name_of(work.key, number)
    return start(
        lambda: api.batch(attempt.sqls, token, attempt.parameters, name),
        api.sleep,
        _START_PAUSES_S,
    )
