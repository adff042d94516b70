"""How settings are declared and read: a struct whose fields know their help and their environment variable."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, get_args, get_origin, get_type_hints

import msgspec

from trunkline.errors import UsageError

PREFIX: Final = "TRUNKLINE_"


def about(text: str, *, variable: str = "", bucket: str = "", example: str = "") -> msgspec.Meta:
    """A field's help as the reference prints it.

    `variable` is its environment variable where that is not `TRUNKLINE_<NAME>`. `bucket` is a variable of the AWS
    functions that holds a bucket's name and stands for the URL. `example` shows how a variable writes a mapping.
    """
    return msgspec.Meta(description=text, extra={"variable": variable, "bucket": bucket, "example": example})


class SettingField(NamedTuple):
    """One setting as it is declared: its type, help, variable, and the variable that holds its bucket."""

    type: Any
    help: str
    variable: str
    bucket: str
    example: str


@cache
def fields_of(struct: type[msgspec.Struct]) -> Mapping[str, SettingField]:
    """The declared settings of `Options` or `ReleaseSettings`, by name."""
    fields = {}
    for name, hint in get_type_hints(struct, include_extras=True).items():
        meta = next(item for item in hint.__metadata__ if getattr(item, "extra", None))
        variable = meta.extra["variable"] or PREFIX + name.upper()
        fields[name] = SettingField(
            hint.__origin__, meta.description, variable, meta.extra["bucket"], meta.extra["example"]
        )
    return fields


def from_file(struct: type[msgspec.Struct], path: Path) -> dict[str, tuple[object, str]]:
    """Values of the settings file with their places. A missing file sets nothing. Raises UsageError."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    import tomllib  # a function on AWS has no such file

    try:
        text = data.decode()
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML ({error}): correct the line, or move the file away.") from error
    places = {name: f"{path}, line {_line_of(name, text)}" for name in table}
    if "pii_key" in table:
        raise UsageError(
            f"{places['pii_key']}: pii_key does not belong in a settings file, which people share. "
            "Put it into TRUNKLINE_PII_KEY or the home's pii.key."
        )
    for name in table:
        if name not in fields_of(struct):
            raise UsageError(f"{places[name]}: there is no setting {name!r}. {nearest(name, list(fields_of(struct)))}")
    return {name: (value, f"{places[name]}: {name}") for name, value in table.items()}


def _line_of(name: str, text: str) -> int:
    """The line of a TOML text that sets the key; 1 where it cannot be found."""
    match = re.search(rf"^\s*\[?\s*[\"']?{re.escape(name)}[\"']?\s*[\].=]", text, flags=re.MULTILINE)
    return 1 + text.count("\n", 0, match.end()) if match else 1


def from_variables(struct: type[msgspec.Struct], variables: Mapping[str, str]) -> dict[str, tuple[object, str]]:
    """Values of variables with their names. An empty variable sets nothing. Raises UsageError."""
    return {
        name: (_split(field, text.strip()), field.variable)
        for name, field in fields_of(struct).items()
        if (text := variables.get(field.variable, "")).strip()
    }


def _split(field: SettingField, text: str) -> object:
    """A variable's text in the shape that the same key has in the file."""
    if get_origin(field.type) is tuple:
        return [part.strip() for part in text.split(",") if part.strip()]
    if get_origin(field.type) is dict:
        pairs = [part.rpartition("=") for part in text.split(",") if part.strip()]
        if any(not (key.strip() and equals) for key, equals, _ in pairs):
            raise UsageError(f"{field.variable} is {text!r}; valid is a list such as {field.example}.")
        return {key.strip(): value.strip() for key, _, value in pairs}
    return text


def converted(struct: type[msgspec.Struct], given: Mapping[str, tuple[object, str]]) -> dict[str, tuple[Any, str]]:
    """The values in their declared types. Raises UsageError with the value and what is valid."""
    converted = {}
    for name, (value, where) in given.items():
        field = fields_of(struct)[name]
        # Text from a variable may stand for a number; text in the file may not, so that a quoted number is noticed.
        is_text = where == field.variable
        try:
            typed = msgspec.convert({name: value}, struct, strict=not is_text)
        except msgspec.ValidationError as error:
            raise UsageError(f"{where} is {value!r}{_reason(error, field, value)}") from error
        converted[name] = (getattr(typed, name), where)
    return converted


def _reason(error: msgspec.ValidationError, field: SettingField, value: object) -> str:
    """What is valid: the choices, or msgspec's sentence without its path, which repeats the key."""
    if get_origin(field.type) is Literal:
        return f". {nearest(str(value), list(get_args(field.type)))}"
    text = str(error).partition(" - at ")[0]
    return f"; {text[:1].lower()}{text[1:]}."


def nearest(seen: str, valid: list[str]) -> str:
    """`Did you mean x?`, and the valid names where they are few enough to read."""
    import difflib

    near = difflib.get_close_matches(seen, valid, n=1, cutoff=0.6)
    guess = f"Did you mean {near[0]!r}?" if near else ""
    listed = f"Valid: {', '.join(valid)}." if len(valid) <= 99 else ""
    return " ".join(part for part in (guess, listed) if part) or "For example Europe/Berlin."
