"""What a person can set: `trunkline.toml` in the home, and `TRUNKLINE_*` variables, which win over it.

The one place that reads the environment. Every key of the file has a variable of the same name in capitals
(`service_level_s`, `TRUNKLINE_SERVICE_LEVEL_S`); lists are written `a,b` there and mappings `Sales=30,Support=60`.
The key that hashes personal data is never in the file, since people share and commit settings files.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote, unquote, urlsplit
from zoneinfo import ZoneInfo

import msgspec

from trunkline.errors import UsageError
from trunkline.limits import BATCH_BYTES_MAX, COLLECT_SCHEDULE, COLLECT_ZONE

FILE_NAME: Final = "trunkline.toml"
HOME_DEFAULT: Final = "trunkline-data"
PREFIX: Final = "TRUNKLINE_"
# Read elsewhere in this module, not keys of the file.
_VARIABLES_ALONE: Final = ("TRUNKLINE_HOME", "TRUNKLINE_DEBUG", "TRUNKLINE_PII_KEY")
# Settings that are mappings, with an example of how a variable writes one.
_MAPPINGS: Final = {
    "service_level_queue_s": "Sales=30,Support=60",
    "connect_roles": "111122223333=arn:aws:iam::111122223333:role/trunkline",
    "connect_quota": "SearchContacts=2",
    "dynamodb_tables": "calls=call,scorecards=scorecard",
}
LAKE_URLS: Final = {"file": "file:///data/lake", "s3": "s3://bucket/prefix"}
WAREHOUSE_URLS: Final = {
    "duckdb": "duckdb:///data/warehouse.duckdb",
    "postgresql": "postgresql://loader@host:5432/database",
    "redshift+data": "redshift+data://cluster/database?staging=s3://bucket/prefix&iam_role=default",
    "redshift": "redshift://loader@host:5439/database?staging=s3://bucket/prefix&iam_role=default",
}
"""Schemes of the two places, with an example each; `warehouse/targets.py` opens the second."""
_URLS: Final = {"lake": LAKE_URLS, "warehouse": WAREHOUSE_URLS, "transcripts": LAKE_URLS}

_TABLES: Final = {"calls": "call", "scorecards": "scorecard"}

# Amazon's thresholds are whole seconds from 1 to 604800 (GetMetricDataV2, `ThresholdValue`).
Seconds = Annotated[int, msgspec.Meta(ge=1, le=604_800)]


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
    """The keys of `trunkline.toml` as they may be written. An empty `lake` or `warehouse` means: in the home."""

    lake: str = ""
    warehouse: str = ""
    pii: Literal["hash", "drop", "keep"] = "hash"
    pii_exceptions: tuple[str, ...] = ()
    service_level_s: Seconds = 20
    service_level_queue_s: dict[str, Seconds] = {}
    zone: str = "UTC"
    settle_hours: tuple[Annotated[int, msgspec.Meta(ge=1, le=8_760)], ...] = (6, 24, 72)
    transcripts: str = ""
    transcript_keys: tuple[str, ...] = (
        "transcripts/{call_id}.json",
        "transcripts/redacted-{call_id}.json",
        "analytics/{call_id}.json",
        "redacted-analytics/{call_id}.json",
    )
    dynamodb_tables: dict[str, str] = msgspec.field(default_factory=lambda: dict(_TABLES))
    dynamodb_deletes: Literal["all", "users", "none"] = "all"
    scorecard_zone: str = "UTC"
    dead_letter_retention_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 90
    batch_bytes: Annotated[int, msgspec.Meta(ge=1, le=8 * BATCH_BYTES_MAX)] = BATCH_BYTES_MAX
    connect_instances: tuple[str, ...] = ()
    connect_roles: dict[str, str] = {}
    connect_endpoint: str = ""
    connect_share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.5
    connect_quota: dict[str, Annotated[float, msgspec.Meta(gt=0)]] = {}
    collect_schedule: str = COLLECT_SCHEDULE
    collect_zone: str = COLLECT_ZONE
    collect_again_h: tuple[Annotated[int, msgspec.Meta(ge=1, le=8760)], ...] = (12, 168)
    collect_describe: Literal["missing", "all", "never"] = "missing"
    memory_mb: Annotated[int, msgspec.Meta(ge=64)] = 400
    threads: Annotated[int, msgspec.Meta(ge=1, le=256)] = msgspec.field(default_factory=lambda: os.cpu_count() or 1)


class Settings(Options, frozen=True, kw_only=True):
    """All that a run depends on besides its arguments. `lake` and `warehouse` are always filled in.

    `lake` is a `file://` or `s3://` URL, `warehouse` a `duckdb:///` URL or a server's, percent-encoded (`path_of`
    decodes); a server's may hold a password, so that it is shown by `without_password` alone.
    `pii_exceptions` are attribute keys left as they are; `service_level_queue_s` maps a queue's name or id to its X.
    `settle_hours`: a UTC day is asked for again this long after its end, and settled after the last one.
    `transcripts` is the URL of the bucket or folder that `transcript_keys` are keys of; empty: `enrich` has nowhere to
    look. `dynamodb_tables` maps the exact name or ARN of a table to an object; `scorecard_zone` is the IANA zone of a
    scorecard's `datetime`, by which it finds its day. `zone` is the IANA zone that people read in; nothing stored
    depends on it. `memory_mb` is the engine's own limit, a process needs some 300 MB beyond it. `pii_key_given` is None
    unless TRUNKLINE_PII_KEY is set.
    """

    home: Path
    pii_key_given: Secret | None = None

    @classmethod
    def load(cls, home: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
        """The settings of `home`, else of TRUNKLINE_HOME, else of `./trunkline-data`, which need not exist.

        `environ` stands in for the process's environment. Raises UsageError naming file or variable, key,
        value and what is valid.
        """
        variables = os.environ if environ is None else environ
        place = (home or Path(variables.get("TRUNKLINE_HOME") or HOME_DEFAULT)).expanduser().absolute()
        _check_place(place)
        options: dict[str, Any] = {}
        for name, (value, where) in {**_from_file(place / FILE_NAME), **_from_variables(variables)}.items():
            options[name] = _decoded(name, value, where)
        key = variables.get("TRUNKLINE_PII_KEY")
        if key is not None and not key.strip():
            raise UsageError(
                "TRUNKLINE_PII_KEY is empty: a hash without a key can be guessed. "
                "Set it to a long random text, or unset it to have one made in the home."
            )
        options["lake"] = options.get("lake") or "file://" + quote(str(place / "lake"))
        options["warehouse"] = options.get("warehouse") or "duckdb://" + quote(str(place / "warehouse.duckdb"))
        return cls(home=place, pii_key_given=Secret(key.strip()) if key else None, **options)


def environment() -> Mapping[str, str]:
    """The process's environment, for the settings of other modules."""
    return os.environ


def is_debug(environ: Mapping[str, str] | None = None) -> bool:
    """Whether an unexpected error should show its traceback (TRUNKLINE_DEBUG set and neither empty nor 0)."""
    variables = os.environ if environ is None else environ
    return variables.get("TRUNKLINE_DEBUG", "") not in ("", "0")


def path_of(url: str) -> Path:
    """The local path of a `file://` or `duckdb:///` URL."""
    return Path(unquote(urlsplit(url).path))


def without_password(url: str) -> str:
    """The URL for people: a password in it, before the host or as a parameter, is left out."""
    without = re.sub(r"^([^:]*://[^:/?#]*):[^/?#]*@", r"\1@", url)
    return re.sub(r"([?&])password=[^&#]*(?:&|$)", r"\1", without, flags=re.IGNORECASE).rstrip("?&")


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


def _from_file(path: Path) -> dict[str, tuple[object, str]]:
    """Values of the settings file and where each was found; a missing file sets nothing."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    import tomllib  # a function on AWS has no such file

    try:
        table = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not TOML ({error}): correct the line, or move the file away.") from error
    if "pii_key" in table:
        raise UsageError(
            f"{path}: pii_key does not belong in a settings file, which people share. "
            "Put it into TRUNKLINE_PII_KEY or the home's pii.key."
        )
    for name in table:
        if name not in Options.__struct_fields__:
            raise UsageError(f"{path}: no setting is called {name!r}. {_nearest(name, Options.__struct_fields__)}")
    return {name: (value, f"{path}: {name}") for name, value in table.items()}


def _from_variables(variables: Mapping[str, str]) -> dict[str, tuple[object, str]]:
    """Values of TRUNKLINE_* variables and where each was found; an empty variable sets nothing."""
    found: dict[str, tuple[object, str]] = {}
    known = {PREFIX + name.upper(): name for name in Options.__struct_fields__}
    for variable, text in variables.items():
        if not variable.startswith(PREFIX) or variable in _VARIABLES_ALONE:
            continue
        if variable not in known:
            raise UsageError(
                f"No setting is called {variable} (an environment variable). "
                f"{_nearest(variable, (*known, *_VARIABLES_ALONE))}"
            )
        if text.strip():
            found[known[variable]] = (_split(known[variable], text.strip(), variable), variable)
    return found


def _split(name: str, text: str, variable: str) -> object:
    """A variable's text in the shape that the same key has in the file."""
    kind = next(field.default for field in msgspec.structs.fields(Options) if field.name == name)
    if isinstance(kind, tuple):
        return [part.strip() for part in text.split(",") if part.strip()]
    if name in _MAPPINGS:
        pairs = [part.rpartition("=") for part in text.split(",") if part.strip()]
        if any(not (key.strip() and equals) for key, equals, _ in pairs):
            raise UsageError(f"{variable} is {text!r}; valid is a list such as {_MAPPINGS[name]}.")
        return {key.strip(): value.strip() for key, _, value in pairs}
    return text


def _decoded(name: str, value: object, where: str) -> object:
    """The value in its declared type. Raises UsageError with the value seen."""
    # Text from a variable may stand for a number; text in the file may not, so that a quoted number is noticed.
    is_text = where.startswith(PREFIX)
    try:
        value = getattr(msgspec.convert({name: value}, Options, strict=not is_text), name)
    except msgspec.ValidationError as error:
        raise UsageError(f"{where} is {value!r}; {_explained(error)}.{_hint(name, value)}") from error
    if name in _URLS:
        _check_url(name, str(value), where)
    if name in ("zone", "collect_zone", "scorecard_zone"):
        _check_zone(str(value), where)
    return value


def _explained(error: msgspec.ValidationError) -> str:
    """The sentence of msgspec without its path, which repeats the key."""
    text = str(error).partition(" - at ")[0]
    return text[:1].lower() + text[1:]


def _hint(name: str, value: object) -> str:
    valid = {"pii": ("hash", "drop", "keep"), "dynamodb_deletes": ("all", "users", "none")}.get(name)
    return " " + _nearest(str(value), valid) if valid else ""


def _check_url(name: str, url: str, where: str) -> None:
    """Raises UsageError unless the URL has a scheme that this setting takes, and names a place."""
    if not url:
        return
    parts = urlsplit(url)
    examples = _URLS[name]
    valid = f"; valid is a URL such as {' or '.join(examples.values())}."
    shown = without_password(url)
    if parts.scheme not in examples:
        raise UsageError(f"{where} is {shown!r}{valid}")
    if parts.scheme == "s3" and not parts.netloc:
        raise UsageError(f"{where} is {shown!r}, which names no bucket{valid}")
    if parts.scheme in ("file", "duckdb") and (parts.netloc or len(parts.path) < 2):
        raise UsageError(f"{where} is {shown!r}, which names no absolute path (three slashes){valid}")
    if parts.scheme not in ("file", "duckdb", "s3") and len(parts.path) < 2:
        raise UsageError(f"{where} is {shown!r}, which names no database{valid}")


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
            f"{where} is {zone!r}, which is no IANA time zone. {_nearest(zone, sorted(zoneinfo.available_timezones()))}"
        ) from error


def _nearest(seen: str, valid: tuple[str, ...] | list[str]) -> str:
    """`Did you mean x?`, and the valid names where they are few enough to read."""
    import difflib

    near = difflib.get_close_matches(seen, valid, n=1, cutoff=0.6)
    guess = f"Did you mean {near[0]!r}?" if near else ""
    listed = f"Valid: {', '.join(valid)}." if len(valid) <= 40 else ""
    return " ".join(part for part in (guess, listed) if part) or "For example Europe/Berlin."


__all__ = ["Options", "Secret", "Settings", "environment", "is_debug", "path_of", "pii_key", "without_password"]
