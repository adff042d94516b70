"""URLs in messages: the place, and never what opens it."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.errors import UsageError
from trunkline.urls import LAKE_URLS, WAREHOUSE_URLS, check_url, public_url

SERVERS = [scheme for scheme in WAREHOUSE_URLS if scheme != "duckdb"]
# Long enough not to be found by chance in what is shown.
SECRETS = st.text(min_size=1, max_size=12).map(lambda text: f"S3cr{text}zzT")
TAILS = ["", "/db", "/db?sslmode=require", "/db?staging=s3://bucket/prefix&iam_role=default"]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ann:s3cret@host:5432/db", "postgresql://***@host:5432/db"),
        ("postgresql://ann@host/db", "postgresql://***@host/db"),
        ("postgresql://host/db?sslmode=require", "postgresql://host/db?sslmode=require"),
        ("postgresql://host/db?password=s3cret&sslmode=require", "postgresql://host/db?password=***"),
        ("postgresql://host/db?sslpassword=a&b#c", "postgresql://host/db?sslpassword=***"),
        ("postgresql:///db?host=/run/pg", "postgresql:///db?host=/run/pg"),
        ("postgresql://ann:SECRET@pw@host/db", "postgresql://***@host/db"),
        ("postgresql://ann:pa#ss@host/db", "postgresql://***@host/db"),
        ("postgresql://ann:pa?ss@host/db", "postgresql://***@host/db"),
        ("postgresql://ann:pa/ss@host/db", "postgresql://***@host/db"),
        ("postgresql:/ann:pass@host/db", "postgresql:/***@host/db"),
        ("POSTGRESQL://ann:pass@host/db", "POSTGRESQL://***@host/db"),
        ("host=a user=ann password=s3cret", "***"),
        ("ann:s3cret@host", "***"),
        ("redshift+data://cluster/dev?secret_arn=arn:aws:x", "redshift+data://cluster/dev?secret_arn=arn:aws:x"),
        ("s3://KEY:se/cret@bucket/prefix", "s3://***@bucket/prefix"),
        ("s3://bucket/a@b", "s3://bucket/a@b"),
        ("file:///home/ann@corp/lake", "file:///home/ann@corp/lake"),
        ("duckdb:///data/w.duckdb", "duckdb:///data/w.duckdb"),
        ("lake", "lake"),
        ("x\x1b[2J://h", "x\\x1b[2J://h"),
    ],
)
def test_what_is_shown_of_a_url(url: str, shown: str) -> None:
    """The place; of userinfo and secret parameters that they are there."""
    assert public_url(url) == shown


def message_of(url: str, examples: Mapping[str, str]) -> str:
    """What is said about the URL; nothing where it is right."""
    try:
        check_url(url, examples, "warehouse")
    except UsageError as error:
        return str(error)
    return ""


@given(st.sampled_from(SERVERS), SECRETS, SECRETS, st.booleans(), st.sampled_from(TAILS))
def test_no_part_of_userinfo_is_shown(scheme: str, user: str, password: str, is_encoded: bool, tail: str) -> None:
    """Encoded or not, whatever it holds; in the messages about wrong URLs too."""
    userinfo = f"{quote(user, safe='')}:{quote(password, safe='')}" if is_encoded else f"{user}:{password}"
    url = f"{scheme}://{userinfo}@host{tail}"
    shown = public_url(url)
    assert "S3cr" not in shown
    assert "zzT" not in shown
    assert shown.isprintable()
    assert shown.endswith(f"@host{tail}")
    for examples in (WAREHOUSE_URLS, LAKE_URLS):
        said = message_of(url, examples)
        assert "S3cr" not in said
        assert "zzT" not in said


@given(
    st.sampled_from(["?password=", "?sslmode=require&password=", "?a=b&sslpassword=", "?PASSWORD=", "?token="]), SECRETS
)
def test_no_secret_parameter_is_shown(parameter: str, secret: str) -> None:
    """Nor what an unencoded & or # would make a parameter of its own."""
    shown = public_url(f"postgresql://host/db{parameter}{secret}")
    assert "S3cr" not in shown
    assert "zzT" not in shown


@given(
    SECRETS,
    st.sampled_from(
        ["host=h user=u password={} dbname=d", "password='{}' host=h", "password = {}", "user=u@h password={}"]
    ),
)
def test_a_connection_string_is_not_shown(secret: str, text: str) -> None:
    """Libpq's other form: no part of it can be told from a password with certainty."""
    assert public_url(text.format(secret)) == "***"


def test_a_bucket_takes_no_credentials() -> None:
    """They would stand in every message that names the lake."""
    for url in ("s3://KEY:secret@bucket/lake", "s3://KEY:se/cret@bucket/lake", "s3://KEY@bucket"):
        with pytest.raises(UsageError, match="a bucket's URL has no credentials") as caught:
            check_url(url, LAKE_URLS, "lake")
        assert "KEY" not in str(caught.value)


def test_a_broken_url_is_wrong_usage() -> None:
    """An address whose bracket is not closed, which the standard library refuses with an error of its own."""
    with pytest.raises(UsageError, match="not a valid URL; valid is a URL such as"):
        check_url("postgresql://ann:s3cret@[::1/db", WAREHOUSE_URLS, "warehouse")
