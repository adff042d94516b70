"""The one file that a deployment is chosen by: what `trunkline deploy init` writes, and what CDK and `plan` read."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo

import msgspec

from trunkline.deploy.config import DeployConfig, Installation, Live, Orchestration
from trunkline.errors import TrunklineError, UsageError
from trunkline.limits import TIMESTREAM_REGIONS
from trunkline.objects.catalogue import OBJECTS
from trunkline.schedules.schedule import make_schedule
from trunkline.settings.fields import nearest

FILE_NAME: Final = "trunkline-deploy.toml"


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
    _check_orchestration(config, place)
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
    zones = {
        "connect.zone": config.connect.zone,
        "warehouse.zone": config.warehouse.zone,
        "orchestration.zone": config.orchestration.zone,
    }
    for key, zone in zones.items():
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError, OSError):
            raise UsageError(f"{place}: {key} is {zone!r}, which is not an IANA time zone") from None
    given = {
        "connect.schedule": (config.connect.schedule, config.connect.zone),
        "warehouse.release_schedule": (config.warehouse.release_schedule, config.connect.zone),
        "orchestration.schedule": (config.orchestration.schedule, config.orchestration.zone),
    }
    for key, (schedule, zone) in given.items():
        try:
            if schedule:
                make_schedule(schedule, zone)
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


_PLACE: Final = r"s3://[a-z0-9][a-z0-9.-]+[a-z0-9]/[^*?,\s]+"


def _check_orchestration(config: DeployConfig, place: str) -> None:
    """Each object exists, has one source, and has a warehouse that it is loaded into. Raises UsageError."""
    chosen = config.orchestration
    sources = {entry.partition("=")[0] for entry in chosen.sources}
    for name in {**dict.fromkeys(chosen.objects), **dict.fromkeys(sources)}:
        if name not in OBJECTS:
            key = "objects" if name in chosen.objects else "sources"
            raise UsageError(f"{place}: orchestration.{key} has {name!r}. {nearest(name, list(OBJECTS))}")
    for name in chosen.objects:
        if not OBJECTS[name].scheduled_source and name not in sources:
            raise UsageError(
                f"{place}: orchestration.objects has {name}, and orchestration.sources does not say where it is read: "
                f"add {name}=s3://bucket/prefix, or {name}=lake:// where a function of a stream or table puts it into "
                "the lake"
            )
    _check_places(chosen, place)
    if not chosen.schedule or "," in chosen.schedule:
        raise UsageError(
            f"{place}: orchestration.schedule is {chosen.schedule!r}; valid is EventBridge's cron(...) or "
            "rate(...) without a comma"
        )
    if chosen.objects:
        _check_instances(config, {name for name in chosen.objects if name not in sources}, place)
        _check_warehouse(config, place)


def _check_places(chosen: Orchestration, place: str) -> None:
    for entry in chosen.sources:
        if not re.fullmatch(f"[a-z0-9_]+=(lake://|{_PLACE})", entry):
            raise UsageError(
                f"{place}: orchestration.sources has {entry!r}; valid are OBJECT=s3://bucket/prefix and OBJECT=lake://"
            )
    for entry in chosen.backfill:
        if not re.fullmatch(_PLACE, entry):
            raise UsageError(f"{place}: orchestration.backfill has {entry!r}; valid is s3://bucket/prefix")


def _check_instances(config: DeployConfig, scheduled: set[str], place: str) -> None:
    if scheduled and not config.connect.instances:
        raise UsageError(
            f"{place}: orchestration.objects has {', '.join(sorted(scheduled))} of the Connect API and "
            "connect.instances is empty: name an instance"
        )
    if config.connect.collect and "contact_record" in scheduled:
        raise UsageError(
            f"{place}: connect.collect is true and orchestration.objects has contact_record, which is then collected "
            "twice: set connect.collect to false"
        )


def _check_warehouse(config: DeployConfig, place: str) -> None:
    if config.warehouse.mode == "none":
        raise UsageError(
            f"{place}: orchestration.objects names objects and warehouse.mode is 'none': choose the cluster or "
            "serverless warehouse that they are loaded into"
        )
