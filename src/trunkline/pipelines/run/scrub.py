"""Texts of errors as a run's record may have them: without secrets, without personal data, and not too long.

Messages of our own errors hold neither. A library's message may quote a URL or a header, so that what is known to be a
secret, and what looks like one, is replaced.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from trunkline.errors import TrunklineError
from trunkline.limits import RUN_ERROR_CHARS_MAX

HIDDEN: Final = "***"
_NAMES = (
    r"pass(?:word|wd|phrase)?|secrets?|tokens?|api[_-]?keys?|access[_-]?keys?|private[_-]?keys?|credentials?|signature"
)
_PATTERNS: Final = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), HIDDEN),
    (re.compile(r"(\w://)[^\s/@]+@"), rf"\1{HIDDEN}@"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), rf"\1 {HIDDEN}"),
    # A place in Secrets Manager has to be named where its secret cannot be read.
    (
        re.compile(rf"(?i)((?<![\w-])(?!secretsmanager:)[\w-]*(?:{_NAMES})[\w-]*['\"]?\s*[=:]\s*['\"]?)[^\s'\",;&]+"),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), HIDDEN),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]+)?"), HIDDEN),
    (re.compile(r"\+\d{7,15}\b"), HIDDEN),
    (re.compile(r"[\w.%+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}"), HIDDEN),
)


def scrub(text: str, secrets: Collection[str] = ()) -> str:
    """The text with each of `secrets`, and everything that looks like one, replaced by `***`; shortened at its end.

    >>> scrub("GET https://user:pw@example.test/?token=abc failed for +15535550143")
    'GET https://***@example.test/?token=*** failed for ***'
    """
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    for pattern, put in _PATTERNS:
        text = pattern.sub(put, text)
    return text if len(text) <= RUN_ERROR_CHARS_MAX else text[: RUN_ERROR_CHARS_MAX - 3] + "..."


def describe_error(error: BaseException, secrets: Collection[str] = ()) -> str:
    """What a run's record says of an error. Of one that is not ours only the type: its text may hold anything."""
    if isinstance(error, TrunklineError):
        return scrub(str(error), secrets)
    if isinstance(error, KeyboardInterrupt):
        return "stopped; run the same command again to go on"
    return (
        f"unexpected {type(error).__name__}, a bug in Trunkline; run the same object with TRUNKLINE_DEBUG=1 to see the "
        "traceback"
    )
