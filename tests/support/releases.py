"""What tests of releases share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trunkline.aws.redshift_data import DataApi, RedshiftTarget
from trunkline.pipelines.jobs.release import Clients
from trunkline.releases.run import Outcome

BUCKET = "daab-lab-jfr-datalake"
KEY = "Redshift/Rel1.txt"
TARGET = RedshiftTarget("dev", "analytics", db_user="loader")
THREE = "connect.load_dims\nCALL connect.load_facts('2026-03-01', 7, true, 'it''s');\nconnect.load_last()\n"
RAN = ["load_dims", "load_facts", "load_last"]
Query = Callable[[str], list[tuple[Any, ...]]]


def names(query: Query) -> list[str]:
    """The procedures that ran to their end, in order."""
    return [name for (name,) in query("SELECT name FROM done ORDER BY id")]


def statuses(outcome: Outcome) -> list[str]:
    return [call.status for call in outcome.calls]


def clients(s3: Any, client: Any) -> Clients:
    return Clients(s3, lambda target: DataApi(client, target))


class Crash(BaseException):
    """The process dies here."""


@dataclass
class Dying:
    """Stands before boto3's client or a store and dies at step `at`, before or after it took effect."""

    inner: Any
    steps: list[str]
    at: int
    is_after: bool = False

    def __getattr__(self, name: str) -> Any:
        real = getattr(self.inner, name)
        if name not in ("execute_statement", "describe_statement", "save", "get_paginator"):
            return real

        def step(*args: Any, **options: Any) -> Any:
            self.steps.append(name)
            dies = len(self.steps) - 1 == self.at
            if dies and not self.is_after:
                raise Crash
            result = real(*args, **options)
            if dies:
                raise Crash
            return result

        return step
