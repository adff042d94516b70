"""`redshift+data://` and `redshift://` URLs: the database, the user, and the S3 prefix for staged files."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final, Literal
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from trunkline.aws.redshift_data import RedshiftTarget
from trunkline.errors import UsageError
from trunkline.limits import LOAD_STATEMENT_S
from trunkline.urls import public_url

Format = Literal["parquet", "json"]
SCHEME: Final = "redshift+data"
_VALID: Final = (
    "valid is redshift+data://CLUSTER/DATABASE?db_user=loader&staging=s3://bucket/prefix&iam_role=default, or "
    "redshift+data://WORKGROUP/DATABASE?serverless=true&..."
)
_KEYS: Final = frozenset(
    {"db_user", "secret_arn", "region", "serverless", "workgroup", "staging", "iam_role", "format", "timeout_s"}
)
WIRE_SCHEME: Final = "redshift"
PORT: Final = 5439
_WIRE_VALID: Final = "valid is redshift://USER@HOST:5439/DATABASE?staging=s3://bucket/prefix&iam_role=default"
_WIRE_KEYS: Final = frozenset({"staging", "iam_role", "format", "timeout_s", "sslmode", "host"})
# A load error names its file in at most 256 characters, and the run's own part of it has to be among them.
_STAGING_CHARACTERS_MAX: Final = 150
_BUCKET: Final = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
_STAGING: Final = re.compile(rf"s3://{_BUCKET}(/[A-Za-z0-9!_.()=+@-]+)*/?")
_ROLE: Final = r"arn:aws(-[a-z]+)*:iam::[0-9]{12}:role/[A-Za-z0-9+=.@_/-]+"
_ROLES: Final = re.compile(rf"default|{_ROLE}(,{_ROLE})*")


@dataclass(frozen=True, slots=True)
class Address:
    """A Redshift to load into.

    `staging` is the S3 prefix for files, without a slash at its end; None: only small batches can be loaded, by
    INSERT. `iam_role` is the role by which Redshift reads them, `default` or its ARN. `format` is what is staged.
    `timeout_s` is when a statement is cancelled.
    """

    target: RedshiftTarget
    staging: str | None = None
    iam_role: str = "default"
    format: Format = "parquet"
    timeout_s: float = LOAD_STATEMENT_S


def address_of(url: str) -> Address:
    """The parts of a `redshift+data://` URL. Raises UsageError naming the part that is not valid and what is.

    `staging` and `iam_role` are written into COPY statements, which bind no values, so only characters that need no
    quoting are accepted.
    """
    parts = urlsplit(url)
    options = _options(url, _KEYS, _VALID)
    name, database = unquote(parts.netloc), unquote(parts.path.lstrip("/"))
    if parts.scheme != SCHEME or not database or "/" in database:
        raise UsageError(f"{public_url(url)} names no database of a Redshift; {_VALID}.")
    target = replace(_target(url, name, database, options), region=options.get("region"))
    return _address(url, target, options)


def wire_address_of(url: str) -> tuple[Address, str]:
    """The parts of a `redshift://` URL, and the driver's connection string, which alone has the password.

    TLS is required unless the URL says otherwise (`sslmode`). Raises UsageError as `address_of`.
    """
    parts = urlsplit(url)
    options = _options(url, _WIRE_KEYS, _WIRE_VALID)
    database = unquote(parts.path.lstrip("/"))
    if parts.scheme != WIRE_SCHEME or not database or "/" in database:
        raise UsageError(f"{public_url(url)} names no database of a Redshift; {_WIRE_VALID}.")
    given = {"sslmode": "require"} | {key: options[key] for key in ("sslmode", "host") if key in options}
    place = parts.netloc if ":" in parts.netloc.rpartition("@")[2] or not parts.netloc else f"{parts.netloc}:{PORT}"
    connection = urlunsplit(("postgresql", place, parts.path, urlencode(given), ""))
    return _address(url, RedshiftTarget(database, parts.hostname or "local"), options), connection


def _options(url: str, keys: frozenset[str], valid: str) -> dict[str, str]:
    """The options of a URL, each given once and not empty."""
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    unknown = sorted({key for key, _ in pairs} - keys)
    if unknown:
        raise UsageError(f"{public_url(url)}: {', '.join(unknown)} is no option; {valid}.")
    names = [key for key, _ in pairs]
    wrong = next((key for key, value in pairs if not value or names.count(key) > 1), None)
    if wrong is not None:
        raise UsageError(f"{public_url(url)}: {wrong} is empty or given twice; {valid}.")
    return dict(pairs)


def _address(url: str, target: RedshiftTarget, options: dict[str, str]) -> Address:
    staging, role = options.get("staging"), options.get("iam_role", "default")
    _check_words(url, staging, role)
    place = staging.rstrip("/") if staging else None
    return Address(target, place, role, _format(url, options), _timeout(url, options))


def _target(url: str, name: str, database: str, options: dict[str, str]) -> RedshiftTarget:
    if options.get("serverless", "false") not in ("true", "false"):
        raise UsageError(f"{public_url(url)}: serverless is {options['serverless']!r}, not true or false; {_VALID}.")
    workgroup = options.get("workgroup")
    if options.get("serverless") == "true":
        name, workgroup = "", workgroup or name
    if not name and not workgroup:
        raise UsageError(f"{public_url(url)} names no cluster and no workgroup; {_VALID}.")
    if name and workgroup:
        raise UsageError(f"{public_url(url)} names a cluster and a workgroup; leave one out. {_VALID}.")
    if workgroup and "db_user" in options:
        raise UsageError(f"{public_url(url)}: a workgroup has no db_user, its user is the IAM identity; leave it out.")
    return RedshiftTarget(database, name or None, workgroup, options.get("db_user"), options.get("secret_arn"))


def _check_words(url: str, staging: str | None, role: str) -> None:
    """Raises UsageError for a staging prefix or a role that cannot be written into a statement."""
    if staging is not None and (not _STAGING.fullmatch(staging) or len(staging) > _STAGING_CHARACTERS_MAX):
        raise UsageError(
            f"{public_url(url)}: staging is {staging[:200]!r}; valid is s3://bucket/prefix of letters, digits and "
            f"!_.()=+@- with at most {_STAGING_CHARACTERS_MAX} characters."
        )
    if not _ROLES.fullmatch(role):
        raise UsageError(
            f"{public_url(url)}: iam_role is {role[:200]!r}; valid is default, or the ARN of a role that the cluster "
            "has, such as arn:aws:iam::111122223333:role/RedshiftCopy."
        )


def _format(url: str, options: dict[str, str]) -> Format:
    match options.get("format", "parquet"):
        case "parquet":
            return "parquet"
        case "json":
            return "json"
        case other:
            raise UsageError(f"{public_url(url)}: format is {other!r}; valid are parquet and json.")


def _timeout(url: str, options: dict[str, str]) -> float:
    text = options.get("timeout_s", str(LOAD_STATEMENT_S))
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= 86_400):
        raise UsageError(f"{public_url(url)}: timeout_s is {text!r}; valid are whole seconds from 1 to 86400.")
    return float(text)
