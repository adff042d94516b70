"""What a PostgreSQL must be, and what its URL may be, before the first statement."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
import pytest
from homes import NARROW, contact, load_into, narrow, opened, settings_of, table, write
from hypothesis import example, given
from hypothesis import strategies as st
from servers import Databases

from trunkline.errors import TerminalError, TransientError, UsageError
from trunkline.objects.catalogue import warehouse_views
from trunkline.pipelines.home import open_home
from trunkline.urls import WAREHOUSE_URLS, check_url
from trunkline.warehouse.model import Opening
from trunkline.warehouse.postgres.connection import check_connection_url, translate_server_errors

ENCODINGS = ("LATIN1", "SQL_ASCII", "WIN1252", "EUC_JP")


@pytest.fixture
def bare(postgres_databases: Databases, postgres_uri: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty database in another encoding."""
    name = f"encoded_{request.param.lower()}"
    with psycopg.connect(postgres_uri, autocommit=True) as con:
        con.execute(f"CREATE DATABASE {name} ENCODING '{request.param}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    yield urlsplit(postgres_databases.bare())._replace(path=f"/{name}").geturl()
    with psycopg.connect(postgres_uri, autocommit=True) as con:
        con.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_the_role_that_loads_needs_no_right_but_its_database(postgres_databases: Databases, tmp_path: Path) -> None:
    """As the page has it: it installs and loads, a superuser makes the analysts' roles, and these read the views alone."""
    url = postgres_databases.bare()
    loader, ann = (urlsplit(url)._replace(netloc=f"{name}@").geturl() for name in ("loader", "ann"))
    scripts = [(Path("sql/postgres") / name).read_text() for name in ("roles.sql", "grants.sql")]
    with psycopg.connect(url, autocommit=True) as superuser:
        superuser.execute(
            f"CREATE ROLE loader LOGIN; CREATE ROLE ann LOGIN; ALTER DATABASE {url_name(url)} OWNER TO loader"
        )
        with open_home(settings_of(tmp_path / "home", warehouse=loader), is_install=True) as home:
            home.warehouse.install(list(home.objects.values()), warehouse_views())
            load_into(home, write(tmp_path / "a", contact("a")))
        with psycopg.connect(loader) as con, pytest.raises(psycopg.errors.InsufficientPrivilege):
            con.execute(scripts[0])
        for script in scripts:
            superuser.execute(script)
        superuser.execute("GRANT trunkline_analyst TO ann")
        with psycopg.connect(ann) as con:
            assert con.execute("SELECT count(*) FROM connect.v_fact_call").fetchall() == [(1,)]
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                con.execute("SELECT count(*) FROM connect.f_calls")
        superuser.execute(f"ALTER DATABASE {url_name(url)} OWNER TO postgres; REASSIGN OWNED BY loader TO postgres")
        for role in ("loader", "ann", "trunkline_analyst", "trunkline_analyst_pii"):
            superuser.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


def url_name(url: str) -> str:
    """The database in a URL."""
    return urlsplit(url).path[1:]


@pytest.mark.parametrize(("bare", "encoding"), [(name, name) for name in ENCODINGS], indirect=["bare"])
def test_another_encoding_is_refused_before_the_first_statement(bare: str, encoding: str, tmp_path: Path) -> None:
    """Each would store other characters, or none: nothing is installed, nothing is read."""
    settings = settings_of(tmp_path / "home", warehouse=bare)
    with (
        pytest.raises(TerminalError, match=f"has the encoding {encoding}, .*ENCODING 'UTF8'"),
        open_home(settings, True),
    ):
        pass
    with psycopg.connect(bare) as con:
        schemas = con.execute("SELECT count(*) FROM pg_namespace WHERE nspname IN ('connect', 'ledger')").fetchone()
    assert schemas == (0,)


def test_the_environment_does_not_change_the_encoding(
    postgres_databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client encoding set for other programs is not used: the text arrives as it is."""
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    text = "Zürich 日本語 \U0001f600"
    with opened(tmp_path / "home", NARROW, warehouse=postgres_databases.new(), pii="keep") as home:
        load_into(home, write(tmp_path / "in" / "a", narrow("a", Phone=text)), obj=NARROW)
        assert [row["phone"] for row in table(home, NARROW)] == [text]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://ann:s3 cret@host/db", "it has a space"),
        ("postgresql://ann:s3%zzcret@host/db", "a % that two hexadecimal digits do not follow"),
        ("postgresql://ann:s3cret%@host/db", "a % that two hexadecimal digits do not follow"),
        ("postgresql://ann:s3cret@host/db?colour=red", "colour is not a connection option"),
        ("postgresql://ann:s3cret@[::1/db", "the bracket around an IPv6 address is not closed"),
        ("postgresql://ann:s3cret@host/db?=", "the driver cannot read it"),
    ],
)
def test_a_url_that_cannot_be_read_is_a_usage_error(url: str, reason: str) -> None:
    """In words, with the place and without what opens it."""
    with pytest.raises(UsageError) as caught:
        check_connection_url(url)
    assert reason in str(caught.value)
    assert "s3" not in str(caught.value)


def test_a_message_after_a_crash_is_whole(tmp_path: Path) -> None:
    """All of the driver's lines, without the user that it names."""
    opening = Opening("postgresql://ann:s3cret@host/db", 200, 1, tmp_path, tmp_path, ())
    crash = (
        "server closed the connection unexpectedly\n\tThis probably means the server terminated abnormally\n"
        "\tbefore or while processing the request."
    )
    with pytest.raises(TransientError, match="closed the connection.* abnormally before or while .*request. Nothing"):
        _fail(opening, crash)
    refused = 'connection to server at "host" failed: FATAL:  password authentication failed for user "ann"'
    with pytest.raises(TerminalError, match="login failed: .*authentication failed for this user") as caught:
        _fail(opening, refused)
    assert "ann" not in str(caught.value)


def _fail(opening: Opening, message: str) -> None:
    with translate_server_errors(opening):
        raise psycopg.OperationalError(message)


@example("%99")  # a byte that begins no character
@given(st.text(st.sampled_from("aZ9/?#@:% []"), min_size=1, max_size=12))
def test_any_password_is_taken_where_it_is_encoded(password: str) -> None:
    """Percent-encoded it passes; as it is, it passes or is refused without being shown."""
    check_connection_url(f"postgresql://ann:{quote('S3cr' + password, safe='')}@host/db")
    url = f"postgresql://ann:S3cr{password}zzT@host/db"
    refusal = _refusal(url)
    assert "S3cr" not in refusal
    assert "zzT" not in refusal
    assert refusal or not set(password) & set("/?#@ ")


def _refusal(url: str) -> str:
    try:
        check_url(url, WAREHOUSE_URLS, "the setting warehouse")
        check_connection_url(url)
    except UsageError as error:
        return str(error)
    return ""
