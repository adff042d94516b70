"""A Redshift for the tests: the Data API emulator in front of a real PostgreSQL, with a few procedures in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from releases import BUCKET, TARGET
from trunkline.aws.clients import make_client
from trunkline.aws.redshift_data import DataApi

if TYPE_CHECKING:
    from redshift_data_emulator import Emulator

# `done` has a row for each procedure that ran to its end.
SETUP = """
CREATE SCHEMA connect;
CREATE TABLE done (id serial, name text, arguments text[]);
CREATE PROCEDURE note(name text, VARIADIC arguments text[]) LANGUAGE sql
    AS 'INSERT INTO public.done (name, arguments) VALUES (name, arguments)';
CREATE PROCEDURE connect.load_dims() LANGUAGE plpgsql AS $$ BEGIN CALL note('load_dims', ''); END $$;
CREATE PROCEDURE connect.load_facts(day date, n int, full_load boolean, label text) LANGUAGE plpgsql
    AS $$ BEGIN CALL note('load_facts', day::text, n::text, full_load::text, label); END $$;
CREATE PROCEDURE connect.load_last() LANGUAGE plpgsql AS $$ BEGIN CALL note('load_last', ''); END $$;
CREATE PROCEDURE connect.slow(seconds double precision) LANGUAGE plpgsql
    AS $$ BEGIN CALL note('slow', ''); PERFORM pg_sleep(seconds); END $$;
CREATE PROCEDURE connect.broken() LANGUAGE plpgsql
    AS $$ BEGIN CALL note('broken', ''); RAISE EXCEPTION 'column "x" does not exist'; END $$;
CREATE PROCEDURE echo(VARIADIC arguments text[]) LANGUAGE plpgsql AS $$ BEGIN CALL note('echo', VARIADIC arguments); END $$;
"""


@pytest.fixture(scope="session")
def dev_uri(postgres_uri: str) -> str:
    """A database of its own."""
    import psycopg
    from psycopg.conninfo import make_conninfo

    with psycopg.connect(postgres_uri, autocommit=True) as connection:
        connection.execute("CREATE DATABASE release_dev")
    uri = make_conninfo(postgres_uri, dbname="release_dev")
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(SETUP)
    return uri


@pytest.fixture
def query(dev_uri: str) -> Iterator[Callable[[str], list[tuple[Any, ...]]]]:
    """Asks PostgreSQL itself; `done` is empty at first."""
    import psycopg

    with psycopg.connect(dev_uri, autocommit=True) as connection:
        connection.execute("TRUNCATE done RESTART IDENTITY")
        yield lambda sql: connection.execute(sql).fetchall()


@pytest.fixture
def redshift(dev_uri: str, query: object) -> Iterator[Emulator]:
    """The emulator, not yet reachable over HTTP: a cluster `analytics` with a database `dev`."""
    from redshift_data_emulator import Emulator

    emulator = Emulator({"dev": dev_uri})
    yield emulator
    emulator.stop()


@pytest.fixture
def endpoint(redshift: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """The same over HTTP; boto3 reaches it by the environment, as it would reach a VPC endpoint."""
    redshift.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_REDSHIFT_DATA", redshift.url)
    return redshift


@pytest.fixture
def api(endpoint: Emulator) -> Iterator[DataApi]:
    """Our client, over plain boto3."""
    client = make_client("redshift-data", "us-east-1")
    yield DataApi(client, TARGET)
    client.close()


@pytest.fixture
def s3() -> Iterator[Any]:
    """An S3 with the mission's bucket."""
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        yield client
