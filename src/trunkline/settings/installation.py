"""`Settings`: what a run depends on besides its arguments, from the settings file and the environment."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from trunkline.errors import UsageError
from trunkline.opening_hours import parse_holidays, parse_hours, parse_queue_hours
from trunkline.settings.fields import PREFIX, converted, fields_of, from_file, from_variables, nearest
from trunkline.settings.options import OTHER_VARIABLES, Options
from trunkline.settings.secrets import Secret, SecretName, given_pii_key, given_secret, secret_name, secret_values
from trunkline.urls import LAKE_URLS, WAREHOUSE_URLS, check_url

FILE_NAME: Final = "trunkline.toml"
HOME_DEFAULT: Final = "trunkline-data"
PACKAGED_OBJECTS: Final = "own_objects"
"""The folder of a Lambda function's zip that has the user's own objects."""
_URLS: Final = {"lake": LAKE_URLS, "warehouse": WAREHOUSE_URLS, "transcripts": LAKE_URLS}
_ZONES: Final = ("zone", "collect_zone", "scorecard_zone", "run_zone")
_ANY_ZONE: Final = ZoneInfo("UTC")
_HOURS: Final[Mapping[str, Callable[[Any], object]]] = {
    "opening_hours": lambda text: text and parse_hours(text, _ANY_ZONE),
    "opening_hours_queue": lambda texts: parse_queue_hours(texts, _ANY_ZONE, {}),
    "holidays": parse_holidays,
}


class Settings(Options, frozen=True, kw_only=True):
    """What a run depends on besides its arguments. `lake` and `warehouse` are always filled in.

    Both are URLs, percent-encoded (`path_of` decodes). A server's may hold a password: show it by `public_url`.
    `pii_key_given` is None unless TRUNKLINE_PII_KEY is set, `live_token` unless TRUNKLINE_LIVE_TOKEN is. Both, and
    `warehouse`, may be the place of a secret, which `aws.secrets.resolve_secrets` reads.
    """

    home: Path
    pii_key_given: Secret | SecretName | None = None
    live_token: Secret | SecretName | None = None

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
            if name in _URLS and not (name == "warehouse" and stored_url(value)):
                check_url(value, _URLS[name], where)
            if name in _ZONES:
                _check_zone(value, where)
            if name in _HOURS:
                _check_hours(_HOURS[name], value, where)
        values = {name: value for name, (value, _) in options.items()}
        values["objects_folder"] = values.get("objects_folder") or _packaged_objects(variables)
        values["lake"] = values.get("lake") or "file://" + quote(str(place / "lake"))
        values["warehouse"] = values.get("warehouse") or "duckdb://" + quote(str(place / "warehouse.duckdb"))
        live_token = given_secret("TRUNKLINE_LIVE_TOKEN", variables)
        return cls(home=place, pii_key_given=given_pii_key(variables), live_token=live_token, **values)

    @property
    def own_objects(self) -> Path:
        """The folder with the user's own objects and their hooks."""
        return self.home / Path(self.objects_folder).expanduser()

    @property
    def secrets(self) -> frozenset[str]:
        """Values that no record or message may have: the secrets here, and those of the environment's variables."""
        own = {secret.reveal() for secret in (self.pii_key_given, self.live_token) if isinstance(secret, Secret)}
        return secret_values() | own

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


def is_debug(environ: Mapping[str, str] | None = None) -> bool:
    """Whether an unexpected error should show its traceback (TRUNKLINE_DEBUG set and neither empty nor 0)."""
    variables = os.environ if environ is None else environ
    return variables.get("TRUNKLINE_DEBUG", "") not in ("", "0")


def stored_url(text: str) -> SecretName | None:
    """The place of a secret that has a URL; None for a URL."""
    return None if "://" in text else secret_name(text)


def _packaged_objects(variables: Mapping[str, str]) -> str:
    """The folder of own objects in a Lambda function's zip; empty where there is none, and outside of Lambda."""
    root = variables.get("LAMBDA_TASK_ROOT", "")
    folder = Path(root) / PACKAGED_OBJECTS
    return str(folder) if root and folder.is_dir() else ""


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


def _check_hours(parse: Callable[[Any], object], value: object, where: str) -> None:
    try:
        parse(value)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None


def _check_zone(zone: str, where: str) -> None:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        import zoneinfo

        raise UsageError(
            f"{where} is {zone!r}, which is not an IANA time zone. "
            f"{nearest(zone, sorted(zoneinfo.available_timezones()))}"
        ) from error
