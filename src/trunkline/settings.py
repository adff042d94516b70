"""Every setting and every environment variable that Trunkline reads, each with its help, and one way to read them.

`Settings` come from `trunkline.toml` in the home and from `TRUNKLINE_*` variables, which win. Each key has a variable
of the same name in capitals (`service_level_s`, `TRUNKLINE_SERVICE_LEVEL_S`); there a list is written `a,b` and a
mapping `Sales=30,Support=60`. `ReleaseSettings` come from variables alone. The key that hashes personal data is never
in the file, since people share and commit settings files.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

import msgspec

from trunkline.errors import UsageError
from trunkline.fields import PREFIX, about, converted, fields_of, from_file, from_variables, nearest
from trunkline.limits import BATCH_BYTES_MAX, COLLECT_SCHEDULE, COLLECT_ZONE, SESSION_HOURS_DEFAULT, THRESHOLD_S_MAX
from trunkline.urls import LAKE_URLS, WAREHOUSE_URLS, check_url

FILE_NAME: Final = "trunkline.toml"
HOME_DEFAULT: Final = "trunkline-data"
OTHER_VARIABLES: Final[Mapping[str, str]] = {
    "TRUNKLINE_HOME": "The home, where `--home` is not given. Default: `./trunkline-data`.",
    "TRUNKLINE_PII_KEY": "The key that hashes personal data, a long random text. Default: the file `pii.key` in the "
    "home, created at first use. It cannot be a key of the settings file, which people share.",
    "TRUNKLINE_SERVE_TOKEN": "The token that `trunkline serve` asks for, 16 characters or more. Without it the board "
    "is served on this machine only.",
    "TRUNKLINE_LIVE_TOKEN": "The token of the live store, where its server wants one.",
    "TRUNKLINE_DEBUG": "Anything but empty or 0: an unexpected error shows its traceback, which may contain data.",
}
"""TRUNKLINE_* variables that are not keys of the file, with their help."""
_URLS: Final = {"lake": LAKE_URLS, "warehouse": WAREHOUSE_URLS, "transcripts": LAKE_URLS}
_ZONES: Final = ("zone", "collect_zone", "scorecard_zone")

Seconds = Annotated[int, msgspec.Meta(ge=1, le=THRESHOLD_S_MAX)]
Hours = Annotated[int, msgspec.Meta(ge=1, le=8_760)]


class Secret:
    """Text that no repr, message or encoder shows; `reveal()` gives it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "Secret('***')"

    def reveal(self) -> str:
        """The text itself, for the one call that needs it."""
        return self._text


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The keys of `trunkline.toml` as they may be written."""

    lake: Annotated[
        str,
        about("`file://` or `s3://` URL of the lake. Empty: `lake` in the home.", bucket="ANALYTICS_BUCKET"),
    ] = ""
    warehouse: Annotated[
        str,
        about(
            "URL of the warehouse: `duckdb:///` a file; `postgresql://`, `redshift+data://` and `redshift://` a "
            "server. Empty: `warehouse.duckdb` in the home."
        ),
    ] = ""
    pii: Annotated[
        Literal["hash", "drop", "keep"],
        about("How personal data is stored: `hash` (keyed, so that joins still work), `drop` or `keep`."),
    ] = "hash"
    pii_exceptions: Annotated[
        tuple[str, ...],
        about("Keys of attributes that are stored unchanged although a value looks like personal data."),
    ] = ()
    service_level_s: Annotated[Seconds, about("X of the metrics `in X`, seconds, 1 to 604,800.")] = 20
    service_level_queue_s: Annotated[
        dict[str, Seconds],
        about("X of single queues, by queue id or name; the id wins.", example="Sales=30,Support=60"),
    ] = {}
    service_level_channel_s: Annotated[
        dict[Literal["VOICE", "CHAT", "TASK", "EMAIL"], Seconds],
        about(
            "X of channels, unless the queue has its own. By default 4 hours for e-mail and tasks, which nobody "
            "answers in the time of a call.",
            example="CHAT=45,EMAIL=14400",
        ),
    ] = msgspec.field(default_factory=lambda: {"TASK": 14_400, "EMAIL": 14_400})
    service_level_goal: Annotated[
        Annotated[float, msgspec.Meta(gt=0, le=100)],
        about("The service level that you want, percent: a line in the report's chart."),
    ] = 80
    zone: Annotated[
        str,
        about("IANA time zone for people: days, intervals, `--since`. Nothing stored depends on it."),
    ] = "UTC"
    settle_hours: Annotated[
        tuple[Hours, ...],
        about(
            "Hours after its end at which a UTC day is listed again, ascending; after the last one nothing more is "
            "expected and the day is certified ([why](../explanation/completeness.md))."
        ),
    ] = (6, 24, 72)
    transcripts: Annotated[
        str,
        about(
            "`s3://` or `file://` URL of the place that holds the keys of `transcript_keys`. Used by `enrich`.",
            bucket="TRANSCRIBE_BUCKET",
        ),
    ] = ""
    transcript_keys: Annotated[
        tuple[str, ...],
        about(
            "Keys of transcripts, with `{call_id}` in place of the call's id. A file's name is matched from its end, "
            "so that a prefix does not matter; Contact Lens's own names are recognised as well."
        ),
    ] = (
        "transcripts/{call_id}.json",
        "transcripts/redacted-{call_id}.json",
        "analytics/{call_id}.json",
        "redacted-analytics/{call_id}.json",
    )
    dynamodb_tables: Annotated[
        dict[str, str],
        about(
            "Which object a DynamoDB table's items are, by the table's exact name or ARN; the ARN wins.",
            example="calls=call,scorecards=scorecard",
        ),
    ] = msgspec.field(default_factory=lambda: {"calls": "call", "scorecards": "scorecard"})
    dynamodb_deletes: Annotated[
        Literal["all", "users", "none"],
        about("Which removals of items delete rows: `all`, `users` (not those by time to live) or `none`."),
    ] = "all"
    scorecard_zone: Annotated[
        str,
        about("IANA time zone of a scorecard's `datetime`, which names none; its day in the lake depends on it."),
    ] = "UTC"
    dead_letter_retention_days: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=3650)], about("Days to keep the bytes of dead letters, 1 to 3,650.")
    ] = 90
    batch_bytes: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=2 * BATCH_BYTES_MAX)],
        about("Decoded bytes of one batch, at most. The first batches of files are smaller. Rows do not depend on it."),
    ] = BATCH_BYTES_MAX
    connect_instances: Annotated[
        tuple[str, ...], about("ARNs of the Connect instances to collect from; an ARN names Region and account.")
    ] = ()
    connect_roles: Annotated[
        dict[str, str],
        about(
            "Role to assume, by account; other accounts use the credentials of the environment.",
            example="111122223333=arn:aws:iam::111122223333:role/trunkline",
        ),
    ] = {}
    connect_endpoint: Annotated[
        str, about("URL of the Connect API where it is not AWS's own, such as the emulator's.")
    ] = ""
    connect_share: Annotated[
        Annotated[float, msgspec.Meta(gt=0, le=1)],
        about("Share of each quota of the Connect API that the collector uses, above 0, at most 1."),
    ] = 0.5
    connect_quota: Annotated[
        dict[str, Annotated[float, msgspec.Meta(gt=0)]],
        about(
            "Calls a second that AWS allows your account, by operation, where it has raised a quota.",
            example="SearchContacts=2",
        ),
    ] = {}
    collect_schedule: Annotated[str, about("When windows are collected: EventBridge's `cron(...)` or `rate(...)`.")] = (
        COLLECT_SCHEDULE
    )
    collect_zone: Annotated[str, about("IANA time zone of that schedule.")] = COLLECT_ZONE
    collect_again_h: Annotated[
        tuple[Hours, ...],
        about("Hours after which a window is read again, for contacts that complete late."),
    ] = (12, 168)
    collect_describe: Annotated[
        Literal["missing", "all", "never"],
        about("DescribeContact for contacts `missing` here or open when last read, for `all`, or `never`."),
    ] = "missing"
    serve_streams: Annotated[
        tuple[str, ...],
        about("Streams that `trunkline serve` reads: `kinesis://STREAM`, and `sqs://QUEUE` that nobody else reads."),
    ] = ()
    serve_session_hours: Annotated[
        Annotated[float, msgspec.Meta(gt=0, le=8_760)],
        about("Hours after which a browser needs the wallboard's token again."),
    ] = SESSION_HOURS_DEFAULT
    live_store: Annotated[
        str,
        about(
            "Store of time series that live points are written to: `memory:`, `prometheus:`, "
            "`influx+http://host:8086/database`, or `timestream://database/table`."
        ),
    ] = "memory:"
    letter_queue: Annotated[
        str,
        about("URL of the SQS queue to which `persist_*` functions send what they cannot use. Empty: they log it."),
    ] = ""
    firehose_object: Annotated[
        str,
        about("The object that the function `firehose_framing` keeps, such as `contact_record`. Empty: all."),
    ] = ""
    memory_mb: Annotated[
        Annotated[int, msgspec.Meta(ge=64)],
        about("Memory limit of the embedded engine, MB; the process needs some 300 MB beyond it."),
    ] = 400
    threads: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=256)],
        about("Threads of the engine and of flattening. Default: the machine's cores."),
    ] = msgspec.field(default_factory=lambda: os.cpu_count() or 1)


class Settings(Options, frozen=True, kw_only=True):
    """What a run depends on besides its arguments. `lake` and `warehouse` are always filled in.

    Both are URLs, percent-encoded (`path_of` decodes). A server's may hold a password: show it by `public_url`.
    `pii_key_given` is None unless TRUNKLINE_PII_KEY is set, `live_token` unless TRUNKLINE_LIVE_TOKEN is.
    """

    home: Path
    pii_key_given: Secret | None = None
    live_token: Secret | None = None

    @classmethod
    def load(cls, home: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
        """The settings of `home`, else of TRUNKLINE_HOME, else of `./trunkline-data`. The folder need not exist.

        `environ` replaces the process's environment. Raises UsageError naming the file's line or the variable, the
        value, and what is valid.
        """
        variables = os.environ if environ is None else environ
        place = (home or Path(variables.get("TRUNKLINE_HOME") or HOME_DEFAULT)).expanduser().absolute()
        _check_place(place)
        _check_variables(variables)
        options = converted(Options, {**from_file(Options, place / FILE_NAME), **from_variables(Options, variables)})
        for name, (value, where) in options.items():
            if name in _URLS:
                check_url(value, _URLS[name], where)
            if name in _ZONES:
                _check_zone(value, where)
        values = {name: value for name, (value, _) in options.items()}
        values["lake"] = values.get("lake") or "file://" + quote(str(place / "lake"))
        values["warehouse"] = values.get("warehouse") or "duckdb://" + quote(str(place / "warehouse.duckdb"))
        token = variables.get("TRUNKLINE_LIVE_TOKEN")
        live_token = Secret(token) if token else None
        return cls(home=place, pii_key_given=_given_key(variables), live_token=live_token, **values)

    @classmethod
    def for_function(cls, scratch: Path, environ: Mapping[str, str] | None = None) -> Settings:
        """The settings of a Lambda function that writes to the lake; `scratch` stands in for a home.

        ANALYTICS_BUCKET names the lake's bucket and TRANSCRIBE_BUCKET that of the transcripts; TRUNKLINE_LAKE and
        TRUNKLINE_TRANSCRIPTS win. Personal data is dropped unless a key is given. Raises UsageError where no lake is
        named, and for hashes without a key: a function has no home to keep one in.
        """
        variables = dict(os.environ if environ is None else environ)
        for field in fields_of(Options).values():
            bucket = variables.get(field.bucket, "").strip() if field.bucket else ""
            if bucket and not variables.get(field.variable, "").strip():
                variables[field.variable] = f"s3://{bucket}"
        if not variables.get("TRUNKLINE_LAKE"):
            raise UsageError("ANALYTICS_BUCKET is not set: set it to the name of the lake's bucket.")
        if not variables.get("TRUNKLINE_PII_KEY"):
            variables.setdefault("TRUNKLINE_PII", "drop")
        settings = cls.load(scratch, variables)
        if settings.pii == "hash" and settings.pii_key_given is None:
            raise UsageError(
                "TRUNKLINE_PII is hash and TRUNKLINE_PII_KEY is not set: set it to the lake's key, or set "
                "TRUNKLINE_PII to drop or keep, the same for everything that writes to the lake."
            )
        return settings


class ReleaseSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the function `RedshiftS3SP2` and `trunkline release` take from the environment."""

    region: Annotated[str | None, about("Region of Redshift and of the bucket.", variable="AWS_DEFAULT_REGION")] = None
    cluster: Annotated[str | None, about("The cluster.", variable="CLUSTER_ID")] = None
    database: Annotated[str | None, about("The database.", variable="DATABASE")] = None
    db_user: Annotated[str | None, about("The database's user.", variable="DB_USER")] = None
    workgroup: Annotated[str | None, about("A serverless workgroup, instead of a cluster.", variable="WORKGROUP")] = (
        None
    )
    secret_arn: Annotated[
        str | None, about("A secret of Secrets Manager, instead of a user.", variable="SECRET_ARN")
    ] = None
    bucket: Annotated[
        str | None, about("The bucket of releases. The Lambda function has a default.", variable="RELEASE_BUCKET")
    ] = None
    prefix: Annotated[str, about("What their keys begin with.", variable="RELEASE_PREFIX")] = "Redshift/Rel"
    pick: Annotated[
        Literal["first", "latest"], about("Which file runs where several match.", variable="RELEASE_PICK")
    ] = "first"
    on_failure: Annotated[
        Literal["continue", "stop"], about("What follows a failed procedure.", variable="RELEASE_ON_FAILURE")
    ] = "continue"
    call_s: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=86_400)],
        about("Seconds after which a procedure is cancelled.", variable="RELEASE_TIMEOUT"),
    ] = 300

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None) -> ReleaseSettings:
        """An empty variable sets nothing. Raises UsageError naming the variable, its value and what is valid."""
        given = converted(cls, from_variables(cls, os.environ if environ is None else environ))
        return cls(**{name: value for name, (value, _) in given.items()})


def is_debug(environ: Mapping[str, str] | None = None) -> bool:
    """Whether an unexpected error should show its traceback (TRUNKLINE_DEBUG set and neither empty nor 0)."""
    variables = os.environ if environ is None else environ
    return variables.get("TRUNKLINE_DEBUG", "") not in ("", "0")


def serve_token(environ: Mapping[str, str] | None = None) -> Secret | None:
    """TRUNKLINE_SERVE_TOKEN; None where it is unset or empty."""
    token = (os.environ if environ is None else environ).get("TRUNKLINE_SERVE_TOKEN", "").strip()
    return Secret(token) if token else None


def pii_key(settings: Settings) -> bytes:
    """The key that hashes personal data: TRUNKLINE_PII_KEY, else the home's `pii.key`, made at first use (mode 0600).

    The file's text put into TRUNKLINE_PII_KEY gives the same key elsewhere. Two processes that start at once agree:
    the file appears whole and only once. Raises UsageError when the file is empty.
    """
    if settings.pii_key_given is not None:
        return settings.pii_key_given.reveal().encode()
    path = settings.home / "pii.key"
    if not path.exists():
        _make_key(path)
    key = path.read_bytes().strip()
    if not key:
        raise UsageError(f"{path} is empty: restore it from a backup, since hashes made with another key do not join.")
    return key


def _make_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"pii.key.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(os.urandom(32).hex().encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        # A link, unlike a rename, does not replace the key that another process has made meanwhile.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _given_key(variables: Mapping[str, str]) -> Secret | None:
    key = variables.get("TRUNKLINE_PII_KEY")
    if key is not None and not key.strip():
        raise UsageError(
            "TRUNKLINE_PII_KEY is empty: a hash without a key can be guessed. "
            "Set it to a long random text, or unset it to have one created in the home."
        )
    return Secret(key.strip()) if key else None


def _check_variables(variables: Mapping[str, str]) -> None:
    """Raises UsageError for a TRUNKLINE_* variable that is not a setting."""
    known = [*(field.variable for field in fields_of(Options).values()), *OTHER_VARIABLES]
    for variable in variables:
        if variable.startswith(PREFIX) and variable not in known:
            raise UsageError(f"There is no setting {variable} (an environment variable). {nearest(variable, known)}")


def _check_place(path: Path) -> None:
    """Raises UsageError for a path that no URL can hold."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"the name of the home {os.fsencode(path)!r} is not UTF-8; rename the folder, or name another with --home."
        ) from None


def _check_zone(zone: str, where: str) -> None:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        import zoneinfo

        raise UsageError(
            f"{where} is {zone!r}, which is not an IANA time zone. "
            f"{nearest(zone, sorted(zoneinfo.available_timezones()))}"
        ) from error
