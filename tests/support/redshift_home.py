"""A Redshift for whole loads: the Data API emulator in front of a database of its own, COPY included, and its S3."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import boto3
import psycopg
import redshift_copy
import redshift_on_postgres as on_postgres
from moto import mock_aws
from moto.moto_api._internal import moto_api_backend
from psycopg.conninfo import make_conninfo
from redshift_data_emulator import Emulator

BUCKET = "staging"
ROLE = "arn:aws:iam::111122223333:role/RedshiftCopy"
URL = f"redshift+data://analytics/dev?db_user=loader&staging=s3://{BUCKET}/trunkline&iam_role={ROLE}"
LOCKS = """
CREATE OR REPLACE VIEW svv_transactions AS
SELECT a.usename AS txn_owner, l.pid, a.xact_start AT TIME ZONE 'UTC' AS txn_start, l.mode AS lock_mode, l.relation, l.granted
FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
"""
COLUMNS = """
CREATE OR REPLACE VIEW svv_columns AS
SELECT table_schema, table_name, column_name, ordinal_position, is_nullable, character_maximum_length,
  numeric_precision, numeric_scale,
  CASE data_type WHEN 'jsonb' THEN 'super' ELSE data_type END AS data_type
FROM information_schema.columns
"""
PRIVILEGES = """
CREATE OR REPLACE VIEW svv_relation_privileges AS
SELECT n.nspname::text AS namespace_name, c.relname::text AS relation_name, x.privilege_type,
  COALESCE(r.rolname, 'public')::text AS identity_name,
  CASE WHEN r.oid IS NULL THEN 'public' WHEN r.rolcanlogin THEN 'user' ELSE 'role' END AS identity_type,
  x.is_grantable AS admin_option
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace CROSS JOIN aclexplode(c.relacl) AS x
LEFT JOIN pg_roles AS r ON r.oid = x.grantee WHERE x.grantee <> c.relowner
"""


@dataclass(frozen=True)
class Redshift:
    """An emulated Redshift. `uri` is the PostgreSQL behind it, `s3` the client of its staging bucket."""

    emulator: Emulator
    copier: redshift_copy.Copier
    uri: str
    s3: Any

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """What PostgreSQL itself says."""
        with psycopg.connect(self.uri, autocommit=True) as connection:
            return connection.execute(sql).fetchall()

    def staged(self) -> list[str]:
        """Keys in the staging bucket."""
        return [one["Key"] for one in self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", ())]


def make_database(server_uri: str, name: str) -> str:
    """An empty database with what Redshift has and PostgreSQL lacks; its URI."""
    with psycopg.connect(server_uri, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
    uri = make_conninfo(server_uri, dbname=name)
    with psycopg.connect(uri, autocommit=True) as connection:
        for statement in (*on_postgres.FUNCTIONS, redshift_copy.SETUP, LOCKS, COLUMNS, PRIVILEGES):
            connection.execute(statement)
    return uri


_OPEN: list[Any] = []


def begin_anew() -> None:
    """Empty the stand-ins of AWS, which are one for the whole process while one of them is open."""
    if _OPEN:
        moto_api_backend.reset()
        _OPEN[-1].create_bucket(Bucket=BUCKET)


@contextmanager
def redshift_of(uri: str) -> Iterator[Redshift]:
    """The database behind the Data API over HTTP, and an S3; boto3 finds the first by the environment."""
    # The run has false credentials already; moto's own would hide from other tests what it is to have none.
    with mock_aws(config={"core": {"mock_credentials": False}}):
        s3 = boto3.client("s3", region_name="us-east-1")
        if not _OPEN:
            s3.create_bucket(Bucket=BUCKET)
        _OPEN.append(s3)
        emulator = Emulator({"dev": uri})
        copier = redshift_copy.Copier(s3, uri, ("default", ROLE))
        emulator.translate = on_postgres.translated
        emulator.commands.append((redshift_copy.PATTERN, copier))
        emulator.start()
        try:
            with mock.patch.dict(os.environ, AWS_ENDPOINT_URL_REDSHIFT_DATA=emulator.url):
                yield Redshift(emulator, copier, uri, s3)
        finally:
            _OPEN.remove(s3)
            emulator.stop()
            s3.close()


@dataclass
class Spelled:
    """A connection to PostgreSQL that takes Redshift's dialect, COPY included."""

    inner: psycopg.Connection[Any]
    copier: redshift_copy.Copier

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def execute(self, sql: str, values: Any = None) -> Any:
        """Run a statement in PostgreSQL's dialect."""
        if found := redshift_copy.PATTERN.fullmatch(sql):
            self.copier(self.inner, found)
            return self.inner.execute("DO $$ BEGIN END $$")
        return self.inner.execute(on_postgres.translated(sql), values)


class Died(BaseException):
    """The process dies here."""


@dataclass
class Mortal:
    """Stands before a boto3 client, or several that share `steps`, and dies right after (or before) call `at`."""

    inner: Any
    steps: list[str]
    at: int | None
    is_after: bool = True

    def __getattr__(self, name: str) -> Any:
        real = getattr(self.inner, name)
        if name == "get_paginator":
            return lambda operation: _MortalPages(self, operation)
        if name in ("meta", "exceptions", "close"):
            return real
        return lambda **request: self.step(name, lambda: real(**request))

    def step(self, name: str, call: Any) -> Any:
        self.steps.append(name)
        dies = len(self.steps) - 1 == self.at
        if dies and not self.is_after:
            raise Died
        answer = call()
        if dies:
            raise Died
        return answer


@dataclass
class _MortalPages:
    owner: Mortal
    operation: str

    def paginate(self, **request: Any) -> Iterator[Any]:
        pages = self.owner.inner.get_paginator(self.operation).paginate(**request)
        return iter(self.owner.step(self.operation, lambda: list(pages)))
