"""The one file that a deployment is chosen by: what `trunkline deploy init` writes, and what CDK and `plan` read.

Every name that the mission's documents use is a default. A resource that exists is given by its ARN, and is then used
and never changed.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo

import msgspec

from trunkline.errors import TrunklineError, UsageError
from trunkline.limits import TIMESTREAM_MAGNETIC_DAYS_MAX, TIMESTREAM_MEMORY_HOURS_MAX, TIMESTREAM_REGIONS
from trunkline.schedules.schedule import make_schedule
from trunkline.settings.fields import nearest

FILE_NAME: Final = "trunkline-deploy.toml"
Arn = Annotated[str, msgspec.Meta(extra={"is_arn": True})]
Positive = Annotated[int, msgspec.Meta(ge=1)]
LogDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]


def _help(text: str) -> Any:
    return msgspec.Meta(description=text)


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file."""


class Installation(Section, frozen=True, kw_only=True):
    """Where, and what holds for every resource."""

    account: Annotated[str, _help("The AWS account's number.")] = ""
    region: Annotated[str, _help("The Region of everything but Timestream.")] = "eu-west-2"
    prefix: Annotated[
        str, _help("Put before the names of stacks, functions and alarms, where one account has two.")
    ] = ""
    architecture: Annotated[Literal["arm64", "x86_64"], _help("The functions' processor.")] = "arm64"
    python: Annotated[Literal["3.12", "3.13"], _help("The functions' runtime; `make packages` builds for 3.13.")] = (
        "3.13"
    )
    packages: Annotated[str, _help("The folder with the zips of `make packages`.")] = "build/lambda"
    log_retention_days: Annotated[LogDays, _help("How long logs are kept; CloudWatch's own steps.")] = 90
    xray: Annotated[bool, _help("Trace functions, state machines and the API with X-Ray.")] = False
    permissions_boundary: Annotated[Arn, _help("ARN of a policy that bounds every role.")] = ""


class Lake(Section, frozen=True, kw_only=True):
    """The bucket, its catalogue, and who may query it."""

    bucket: Annotated[str, _help("Empty: post-call-analytics-<account>-<region>.")] = ""
    bucket_arn: Annotated[Arn, _help("A bucket that exists, instead.")] = ""
    key_arn: Annotated[Arn, _help("The KMS key of the bucket. Empty: one is made, unless the bucket exists.")] = ""
    old_versions_days: Annotated[Positive, _help("How long overwritten and removed objects can be restored.")] = 30
    pii_key_secret: Annotated[Arn, _help("The secret that has TRUNKLINE_PII_KEY. Empty: personal data is dropped.")] = (
        ""
    )
    register_tables: Annotated[bool, _help("Put the catalogue's tables into Glue, partitions projected.")] = True
    crawlers: Annotated[bool, _help("The documents' hourly crawlers as well; projected tables need none.")] = False
    scan_limit_gb: Annotated[Positive, _help("What one query in Athena may read.")] = 100
    lake_formation: Annotated[bool, _help("Tag each column with its class of personal data.")] = False


class Tables(Section, frozen=True, kw_only=True):
    """DynamoDB tables whose changes are followed. `trunkline enable-stream` prints a table's stream."""

    calls_stream: Annotated[Arn, _help("ARN of the stream of the table `calls`.")] = ""
    scorecards_stream: Annotated[Arn, _help("ARN of the stream of the table `scorecards`.")] = ""
    key_arn: Annotated[Arn, _help("The KMS key of the tables, where they have one of yours.")] = ""


class Transcripts(Section, frozen=True, kw_only=True):
    """The bucket that Transcribe or Contact Lens writes to; EventBridge must be on for it."""

    bucket_arn: Annotated[Arn, _help("The bucket. Empty: no transcripts.")] = ""
    key_arn: Annotated[Arn, _help("Its KMS key, where it has one.")] = ""
    prefixes: Annotated[tuple[str, ...], _help("What its transcripts' keys begin with.")] = (
        "transcripts/",
        "analytics/",
        "redacted-analytics/",
    )


class Streams(Section, frozen=True, kw_only=True):
    """Contact records and agent events in Kinesis, contact events in EventBridge."""

    is_on: Annotated[bool, _help("Whether streams are read at all.")] = True
    contact_stream: Annotated[str, _help("The stream of contact records that is made.")] = "connect-ctr-stream"
    contact_stream_arn: Annotated[Arn, _help("A stream that exists, instead.")] = ""
    agent_stream_arn: Annotated[Arn, _help("A stream of its own for agent events, as AWS advises.")] = ""
    key_arn: Annotated[Arn, _help("The KMS key of existing streams, where they have one of yours.")] = ""
    retention_hours: Annotated[Annotated[int, msgspec.Meta(ge=24, le=8760)], _help("Of the stream that is made.")] = 168
    firehose: Annotated[bool, _help("Keep the raw records as well, by Firehose, under raw/ in the lake's bucket.")] = (
        False
    )
    contact_events: Annotated[bool, _help("Follow contact events.")] = True


class Connect(Section, frozen=True, kw_only=True):
    """The Connect API: contacts collected on a schedule."""

    instances: Annotated[tuple[Arn, ...], _help("ARNs of instances.")] = ()
    collect: Annotated[bool, _help("Collect contacts through the API, which heals what a stream lost.")] = False
    schedule: Annotated[str, _help("EventBridge's cron or rate.")] = "cron(40 0/2 * * ? *)"
    zone: Annotated[str, _help("IANA time zone of that schedule.")] = "America/New_York"


class WarehouseChoice(Section, frozen=True, kw_only=True):
    """Redshift, and the function RedshiftS3SP2 that runs releases of stored procedures."""

    mode: Annotated[Literal["none", "cluster", "serverless"], _help("An existing cluster, or a new workgroup.")] = (
        "none"
    )
    cluster: Annotated[str, _help("The existing cluster.")] = "daab-redshift-cluster-jr-bedrock"
    workgroup: Annotated[str, _help("The serverless workgroup that is made.")] = "trunkline"
    base_rpu: Annotated[Annotated[int, msgspec.Meta(ge=4, le=512)], _help("Its base capacity.")] = 8
    subnet_ids: Annotated[tuple[str, ...], _help("Its subnets, three of them. Empty: the default VPC's.")] = ()
    database: Annotated[str, _help("The database.")] = "dev"
    user: Annotated[str, _help("The database user of the cluster; better one that may call the procedures alone.")] = (
        "awsuser"
    )
    secret: Annotated[Arn, _help("A secret to sign in with, instead of the user.")] = ""
    install: Annotated[
        bool, _help("Whether the stack installs schemas, tables, views and procedures, and migrates them.")
    ] = True
    install_user: Annotated[
        str, _help("The cluster's user who installs and so owns them. Empty: the user or the secret above.")
    ] = ""
    zone: Annotated[str, _help("IANA time zone of the star's local keys, as the setting zone of what loads.")] = "UTC"
    release_bucket: Annotated[str, _help("The bucket with the releases.")] = "daab-lab-jfr-datalake"
    release_prefix: Annotated[str, _help("What their keys begin with.")] = "Redshift/Rel"
    release_schedule: Annotated[str, _help("When the release runs, EventBridge's cron or rate. Empty: by hand.")] = ""
    api: Annotated[bool, _help("An API of API Gateway that runs a release, with IAM authorization.")] = False


class Live(Section, frozen=True, kw_only=True):
    """Points for boards, written by three functions."""

    store: Annotated[Literal["none", "influx", "timestream"], _help("Timestream admits no new customers.")] = "none"
    url: Annotated[str, _help("`influx+https://host:8086/database` of an InfluxDB server.")] = ""
    token_secret: Annotated[Arn, _help("The secret that has its token.")] = ""
    region: Annotated[str, _help("Timestream's Region; it has none in eu-west-2.")] = "eu-west-1"
    database: Annotated[str, _help("Timestream's database.")] = "connect_live"
    table: Annotated[str, _help("Its table.")] = "live"
    memory_hours: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=TIMESTREAM_MEMORY_HOURS_MAX)], _help("In the memory store.")
    ] = 24
    magnetic_days: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=TIMESTREAM_MAGNETIC_DAYS_MAX)], _help("In the magnetic store.")
    ] = 365
    grafana: Annotated[bool, _help("A workspace of Amazon Managed Grafana (needs IAM Identity Center).")] = False


class Watch(Section, frozen=True, kw_only=True):
    """Alarms and cost."""

    email: Annotated[str, _help("Where alarms are sent. Empty: alarms without a receiver.")] = ""
    iterator_age_minutes: Annotated[Positive, _help("How far a function may lag behind a stream.")] = 15
    monthly_budget_usd: Annotated[Annotated[int, msgspec.Meta(ge=0)], _help("0: no budget.")] = 0


class DeployConfig(Section, frozen=True, kw_only=True):
    """A deployment, one table a section."""

    installation: Installation = Installation()
    lake: Lake = Lake()
    tables: Tables = Tables()
    transcripts: Transcripts = Transcripts()
    streams: Streams = Streams()
    connect: Connect = Connect()
    warehouse: WarehouseChoice = WarehouseChoice()
    live: Live = Live()
    watch: Watch = Watch()

    @property
    def bucket(self) -> str:
        """The name of the lake's bucket."""
        place = self.installation
        made = self.lake.bucket or f"post-call-analytics-{place.account}-{place.region}"
        return self.lake.bucket_arn.rpartition(":")[2] or made

    def named(self, name: str) -> str:
        """A name with the deployment's prefix."""
        return f"{self.installation.prefix}-{name}" if self.installation.prefix else name


def read_config(path: Path) -> DeployConfig:
    """The deployment in a file. Raises UsageError with the key, the value and what is valid."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(f"{path} does not exist: write one with `trunkline deploy init`.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read ({error}).") from error
    return parse_config(text, str(path))


def parse_config(text: str, place: str = FILE_NAME) -> DeployConfig:
    """The deployment that TOML text describes. Raises UsageError as `read_config`."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{place} is not valid TOML: {error}.") from error
    _check_keys(raw, place)
    try:
        config = msgspec.convert(raw, DeployConfig)
    except msgspec.ValidationError as error:
        raise UsageError(_reason(error, raw, place)) from error
    _check_values(config, place)
    return config


def config_text(account: str, region: str = "eu-west-2") -> str:
    """A new file with every key, its default and what it means. Raises UsageError for an account that is none."""
    _check_account(account, "--account")
    lines = ["# What Trunkline deploys on AWS. `trunkline deploy plan` shows what it creates and costs.", ""]
    start = DeployConfig(installation=Installation(account=account, region=region))
    for section in DeployConfig.__struct_fields__:
        values = getattr(start, section)
        lines += [f"# {type(values).__doc__}", f"[{section}]"]
        hints = get_type_hints(type(values), include_extras=True)
        for name in values.__struct_fields__:
            lines += [f"# {_description(hints[name])}", f"{name} = {_toml(getattr(values, name))}"]
        lines.append("")
    return "\n".join(lines)


def _description(hint: Any) -> str:
    texts = [meta.description for meta in hint.__metadata__ if isinstance(meta, msgspec.Meta) and meta.description]
    return str(texts[-1])


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def _check_keys(raw: dict[str, Any], place: str) -> None:
    """Raises UsageError for a section or key that does not exist, with the nearest that does."""
    sections = get_type_hints(DeployConfig)
    for section, values in raw.items():
        if section not in sections:
            raise UsageError(f"{place} has no section [{section}]. {nearest(section, list(sections))}")
        if not isinstance(values, dict):
            raise UsageError(f"{place}: {section} = {values!r} is not a section; valid is [{section}] with its keys.")
        known = list(sections[section].__struct_fields__)
        for name in values:
            if name not in known:
                raise UsageError(f"{place} has no key {section}.{name}. {nearest(name, known)}")


def _reason(error: msgspec.ValidationError, raw: dict[str, Any], place: str) -> str:
    """The key, the value seen, and what msgspec says is valid."""
    message, _, path = str(error).partition(" - at `$.")
    key = path.removesuffix("`")
    section, _, name = key.partition(".")
    name = name.partition("[")[0]
    value = raw.get(section, {}).get(name)
    hint = get_type_hints(get_type_hints(DeployConfig)[section]).get(name)
    if get_origin(hint) is Literal:
        message = f"Valid: {', '.join(map(str, get_args(hint)))}"
    return f"{place}: {key} is {value!r}. {message}."


_ARN: Final = re.compile(r"arn:(aws|aws-cn|aws-us-gov):([a-z0-9-]+):([a-z0-9-]*):(\d{12}|aws)?:(\S+)")
_SERVICES: Final = {
    "bucket_arn": "s3",
    "key_arn": "kms",
    "pii_key_secret": "secretsmanager",
    "token_secret": "secretsmanager",
    "secret": "secretsmanager",
    "calls_stream": "dynamodb",
    "scorecards_stream": "dynamodb",
    "contact_stream_arn": "kinesis",
    "agent_stream_arn": "kinesis",
    "instances": "connect",
    "permissions_boundary": "iam",
}
_ADVICE: Final = {
    "calls_stream": "the stream's ARN, arn:aws:dynamodb:REGION:ACCOUNT:table/NAME/stream/TIME",
    "scorecards_stream": "the stream's ARN, arn:aws:dynamodb:REGION:ACCOUNT:table/NAME/stream/TIME",
    "instances": "an instance's ARN, arn:aws:connect:REGION:ACCOUNT:instance/ID",
}


def _check_values(config: DeployConfig, place: str) -> None:
    """What one key's type cannot say. Raises UsageError."""
    _check_account(config.installation.account, f"{place}: installation.account")
    if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", config.installation.region):
        raise UsageError(
            f"{place}: installation.region is {config.installation.region!r}; valid is one such as eu-west-2"
        )
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,30}|", config.installation.prefix):
        raise UsageError(
            f"{place}: installation.prefix is {config.installation.prefix!r}; valid are up to 31 letters, digits and "
            "hyphens, a letter first"
        )
    for section in config.__struct_fields__:
        values = getattr(config, section)
        for name in values.__struct_fields__:
            if name in _SERVICES:
                given = getattr(values, name)
                for arn in given if isinstance(given, tuple) else (given,):
                    _check_arn(arn, name, f"{place}: {section}.{name}")
    _check_schedules(config, place)
    _check_live(config.live, place)
    if config.connect.collect and not config.connect.instances:
        raise UsageError(f"{place}: connect.collect is true and connect.instances is empty: name an instance.")
    if config.lake.bucket and not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", config.lake.bucket):
        raise UsageError(
            f"{place}: lake.bucket is {config.lake.bucket!r}; valid are 3 to 63 lower-case letters, digits, hyphens "
            "and dots"
        )


def _check_account(account: str, where: str) -> None:
    if not re.fullmatch(r"\d{12}", account):
        raise UsageError(f"{where} is {account!r}; valid are the 12 digits of an AWS account")


def _check_arn(arn: str, name: str, where: str) -> None:
    parts = _ARN.fullmatch(arn)
    is_right = parts and parts[2] == _SERVICES[name] and (name not in _ADVICE or "/" in parts[5])
    if arn and not (is_right and ("stream" not in _ADVICE.get(name, "") or "/stream/" in arn)):
        valid = _ADVICE.get(name, f"an ARN of {_SERVICES[name]}, arn:aws:{_SERVICES[name]}:...")
        raise UsageError(f"{where} is {arn!r}; valid is {valid}, or nothing")


def _check_schedules(config: DeployConfig, place: str) -> None:
    try:
        ZoneInfo(config.connect.zone)
    except (KeyError, ValueError, OSError):
        raise UsageError(f"{place}: connect.zone is {config.connect.zone!r}, which is not an IANA time zone") from None
    try:
        ZoneInfo(config.warehouse.zone)
    except (KeyError, ValueError, OSError):
        raise UsageError(
            f"{place}: warehouse.zone is {config.warehouse.zone!r}, which is not an IANA time zone"
        ) from None
    given = {
        "connect.schedule": config.connect.schedule,
        "warehouse.release_schedule": config.warehouse.release_schedule,
    }
    for key, schedule in given.items():
        try:
            if schedule:
                make_schedule(schedule, config.connect.zone)
        except TrunklineError as error:
            raise UsageError(f"{place}: {key} is {schedule!r}: {error}") from error


def _check_live(live: Live, place: str) -> None:
    if live.store == "timestream" and live.region not in TIMESTREAM_REGIONS:
        raise UsageError(
            f"{place}: live.region is {live.region!r}, where Timestream has no tables; valid are "
            f"{', '.join(TIMESTREAM_REGIONS)}"
        )
    if live.store == "influx" and not re.fullmatch(r"influx\+https?://[^/@]+/\S+", live.url):
        raise UsageError(
            f"{place}: live.url is {live.url!r}; valid is influx+https://host:8086/database, without a password: the "
            "token is in the secret of live.token_secret"
        )
