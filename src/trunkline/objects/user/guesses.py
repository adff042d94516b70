"""Guesses the type of a column from the values of a sample: the type, the other keys of its line, and notes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from trunkline import clock
from trunkline.limits import EVENT_AHEAD_DAYS_MAX, EVENT_YEAR_MIN
from trunkline.objects.model import TIME_UNITS

IN_ZONE: Final = "times without an offset are in zone"

_ISO_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(Z|[+-]\d{2}(?::?\d{2})?)?")
_ISO_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_LOCAL_DATE: Final = re.compile(
    r"(?P<first>\d{1,4})(?P<mark>[./-])(?P<second>\d{1,2})(?P=mark)(?P<third>\d{1,4})"
    r"(?P<comma>,?)(?: (?P<hour>\d{1,2}):\d{2}(?P<seconds>:\d{2})?(?P<half> ?[AaPp][Mm])?)?"
)
_WHOLE: Final = re.compile(r"-?(?:0|[1-9]\d{0,17})")
_DECIMAL: Final = re.compile(r"-?\d+[.](\d+)")
_COMMA: Final = re.compile(r"-?(?:\d{1,3}(?:[.]\d{3})+|\d+),(\d+)")
_THOUSANDS: Final = re.compile(r"-?[1-9]\d{0,2}(?:,\d{3})+")
_EXPONENT: Final = re.compile(r"-?\d+(?:[.]\d+)?(?:[eE][+-]?\d+)?")
_TIME_WORDS: Final = re.compile(r"time|date|stamp|when|epoch|(?:^|_)(?:ts|at|on|start|end|since)$|ed_?(?:at|on)?$")
_BOOLEAN_WORDS: Final = re.compile(r"^(?:is|has|was|can)_|delete|removed|active|enabled|flag|^done$|open$|closed$")
_WORD_PAIRS: Final = (
    ("yes", "no"), ("y", "n"), ("t", "f"), ("on", "off"), ("ja", "nein"), ("oui", "non"), ("si", "no"), ("sí", "no"),
    ("1", "0"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TypeGuess:
    """A column's `type`, the other `keys` of its line, and `notes` on what was guessed.

    `is_plausible`: a time, and each value in the sample is from EVENT_YEAR_MIN to EVENT_AHEAD_DAYS_MAX
    days ahead, as that of an event has to be.
    """

    type: str
    keys: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    is_plausible: bool = False


def guess_type(name: str, values: Sequence[Any]) -> TypeGuess:
    """The type of the column `name` with these values, none of them empty; `text` where nothing else fits."""
    if not values:
        return TypeGuess("text", notes=("no value in the sample",))
    if all(isinstance(value, bool) or str(value).lower() in ("true", "false") for value in values):
        return TypeGuess("boolean")
    if any(isinstance(value, list) for value in values):
        is_plain = all(isinstance(value, list) and all(isinstance(item, str) for item in value) for value in values)
        return TypeGuess("list<text>" if is_plain else "json")
    if any(isinstance(value, dict) for value in values):
        return TypeGuess("json")
    texts = [str(value).strip() for value in values]
    return _words(name, texts) or _iso(texts) or _local(texts) or _epoch(name, texts) or _number(texts)


def looks_like_data(text: str) -> bool:
    """Whether a text is a number or a time, which no name of a column is."""
    return bool(text) and guess_type("", [text]).type in ("bigint", "decimal", "double", "date", "timestamp")


def _words(name: str, texts: Sequence[str]) -> TypeGuess | None:
    """A boolean in two words: both occur, or one of them in a column whose name is that of a boolean."""
    seen = {text.lower() for text in texts}
    is_named = _BOOLEAN_WORDS.search(name) is not None
    for true, false in _WORD_PAIRS:
        is_both = seen == {true, false} and (true != "1" or is_named)
        if is_both or (is_named and seen <= {true, false}):
            return TypeGuess("boolean", (f'format = "{true}/{false}"',), ("the words for true and false",))
    return None


def _iso(texts: Sequence[str]) -> TypeGuess | None:
    if all(_ISO_DATE.fullmatch(text) for text in texts):
        return _time("date", (), (), texts, "%Y-%m-%d")
    matches = [_ISO_TIME.fullmatch(text) or _ISO_DATE.fullmatch(text) for text in texts]
    if not all(matches):
        return None
    has_offset = all(match and match.re is _ISO_TIME and match[1] for match in matches)
    return _time("timestamp", (), () if has_offset else (IN_ZONE,), [text[:10] for text in texts], "%Y-%m-%d")


def _time(
    type_: str, keys: tuple[str, ...], notes: tuple[str, ...], texts: Sequence[str], pattern: str
) -> TypeGuess | None:
    """A guess of times in this pattern; None where one is not in it, such as the 30th of February."""
    try:
        times = [datetime.strptime(text, pattern).replace(tzinfo=UTC) for text in texts]
    except ValueError:
        return None
    latest = clock.now() + timedelta(days=EVENT_AHEAD_DAYS_MAX)
    is_plausible = all(time.year >= EVENT_YEAR_MIN and time < latest for time in times)
    return TypeGuess(type_, keys, notes, is_plausible)


def _local(texts: Sequence[str]) -> TypeGuess | None:
    """Dates with dots, slashes or hyphens, with or without a time of day, all in one notation."""
    matches = [match for text in texts if (match := _LOCAL_DATE.fullmatch(text))]
    if len(matches) < len(texts) or len({_form(match) for match in matches}) > 1:
        return None
    mark, tail = matches[0]["mark"], _tail_of(matches[0])
    fitting: list[tuple[str, TypeGuess]] = []
    for order in (f"%d{mark}%m{mark}%Y", f"%m{mark}%d{mark}%Y", f"%Y{mark}%m{mark}%d"):
        notes = (IN_ZONE,) if tail else ()
        guess = _time("timestamp" if tail else "date", (f'format = "{order}{tail}"',), notes, texts, order + tail)
        if guess is not None:
            fitting.append((f"{order}{tail}", guess))
    if not fitting:
        return None
    (_, guess), *others = fitting
    if others and mark != ".":
        ambiguous = f'ambiguous, taken as day before month; if the month is first, write format = "{others[0][0]}"'
        return TypeGuess(guess.type, guess.keys, (ambiguous, *guess.notes), guess.is_plausible)
    word = {"%d": "day before month", "%m": "month before day", "%Y": "year first"}[fitting[0][0][:2]]
    return TypeGuess(guess.type, guess.keys, (word, *guess.notes), guess.is_plausible)


def _form(match: re.Match[str]) -> tuple[object, ...]:
    """What all values of a column must have in common: separator, where the year is, and the parts of the time."""
    half = match["half"]
    return match["mark"], len(match["first"]) == 4, match["comma"], bool(match["hour"]), bool(match["seconds"]), (
        None if half is None else half[0] == " "
    )  # fmt: skip


def _tail_of(match: re.Match[str]) -> str:
    """The pattern of the time of day."""
    if not match["hour"]:
        return match["comma"]
    hours = "%I" if match["half"] else "%H"
    half = "" if not match["half"] else " %p" if match["half"][0] == " " else "%p"
    return f"{match['comma']} {hours}:%M{':%S' if match['seconds'] else ''}{half}"


def _epoch(name: str, texts: Sequence[str]) -> TypeGuess | None:
    """Numbers that are times since 1970: by the column's name, and as none is outside of the plausible years."""
    if not _TIME_WORDS.search(name) or not all(_WHOLE.fullmatch(text) for text in texts):
        return None
    earliest = datetime(EVENT_YEAR_MIN, 1, 1, tzinfo=UTC).timestamp()
    latest = clock.now().timestamp() + EVENT_AHEAD_DAYS_MAX * 86_400
    numbers = [int(text) for text in texts]
    for unit, per_second in TIME_UNITS.items():
        if earliest * per_second <= min(numbers) and max(numbers) < latest * per_second:
            return TypeGuess("timestamp", (f'format = "{unit}"',), (f"a number that is a time ({unit})",), True)
    return None


def _number(texts: Sequence[str]) -> TypeGuess:
    if all(_WHOLE.fullmatch(text) for text in texts):
        return TypeGuess("bigint")
    if any(_THOUSANDS.fullmatch(text) for text in texts) and all(
        _THOUSANDS.fullmatch(text) or _WHOLE.fullmatch(text) for text in texts
    ):
        return TypeGuess("text", notes=("a comma before three digits may be a decimal comma or separate thousands",))
    scale = _scale(texts, _DECIMAL)
    if scale is not None and not any(_is_padded(text) for text in texts):
        return TypeGuess("decimal", (f"scale = {scale}",), ("decimal places of the sample",))
    scale = _scale(texts, _COMMA)
    if scale is not None:
        return TypeGuess(
            "decimal", (f"scale = {scale}", "decimal_comma = true"), ("a comma before the decimal places",)
        )
    if all(_EXPONENT.fullmatch(text) and not _is_padded(text) and Decimal(text).is_finite() for text in texts):
        return TypeGuess("double", notes=("numbers with exponents",))
    return TypeGuess("text")


def _scale(texts: Sequence[str], fraction: re.Pattern[str]) -> int | None:
    """The most decimal places, at most 18; None where a text is neither a whole number nor one with a fraction."""
    places = [len(match[1]) for text in texts if (match := fraction.fullmatch(text))]
    if not places or not all(fraction.fullmatch(text) or _WHOLE.fullmatch(text) for text in texts):
        return None
    return min(max(places), 18)


def _is_padded(text: str) -> bool:
    """Whether a text begins with a zero that a number has not, as a code has it."""
    digits = text.removeprefix("-")
    return len(digits) > 1 and digits[0] == "0" and digits[1].isdigit()
