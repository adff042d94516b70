"""The events that the function `RedshiftS3SP2` accepts, and the result object that it returns. Pure.

An event is API Gateway's, EventBridge's or one written by hand. Its overrides are `stored_procedure_name` and
`parameters` (one call instead of the file's), `cluster_identifier` and `database`. Any other key is an error: a
misspelt name must not run the whole file.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import msgspec

from trunkline.errors import printable
from trunkline.limits import PROCEDURE_ARGUMENTS_MAX
from trunkline.releases.parser import parse_name
from trunkline.releases.plan import (
    NumberLiteral,
    ProcedureCall,
    Release,
    ReleaseError,
    SecretArgument,
    Value,
    arguments_fault,
)
from trunkline.releases.run import Outcome
from trunkline.releases.state import NOT_RUN

SOURCE: Final = "event"
KEYS: Final = ("stored_procedure_name", "parameters", "cluster_identifier", "database")
_CLUSTER: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")  # botocore's model; at most 63
_DATABASE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_$-]{0,126}")
_DIGITS_MAX: Final = 400


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    """What an event requests. `release` is None where the file is to be run, `request_id` where the event has none."""

    release: Release | None
    cluster: str | None
    database: str | None
    request_id: str | None


def is_proxy(event: object) -> bool:
    """Whether API Gateway waits for the answer (REST and HTTP APIs with proxy integration)."""
    return isinstance(event, Mapping) and isinstance(event.get("requestContext"), Mapping)


def request_of(event: object) -> ReleaseRequest:
    """Decode an event. Raises ReleaseError where it is not valid."""
    if event is None:
        event = {}
    if not isinstance(event, Mapping):
        _fail(f"the event is {type(event).__name__}; valid is an object.")
    overrides: Any = event
    request_id: Any = None
    if is_proxy(event):
        overrides, request_id = _proxy_body(event), event["requestContext"].get("requestId")
    elif "detail-type" in event and "source" in event:
        overrides, request_id = _detail(event.get("detail")), event.get("id")
    overrides = {} if overrides is None else overrides
    if not isinstance(overrides, Mapping):
        _fail(f"the overrides are {type(overrides).__name__}; valid is an object with {', '.join(KEYS)}, all optional.")
    for key in overrides:
        if key not in KEYS:
            _fail(f"{printable(repr(key))} is no override; valid are {', '.join(KEYS)}.")
    return ReleaseRequest(
        _release(overrides),
        _matched(overrides, "cluster_identifier", _CLUSTER, 63),
        _matched(overrides, "database", _DATABASE, 127),
        request_id if isinstance(request_id, str) and request_id else None,
    )


def _detail(detail: object) -> object:
    """EventBridge's detail: an object, or JSON text, as EventBridge Scheduler's default payload has it."""
    return _json(detail, "the detail") if isinstance(detail, str) else detail


def _json(text: str, name: str) -> object:
    if not text.strip():
        return {}
    try:
        # Numbers keep their digits.
        return json.loads(
            text, parse_int=_number, parse_float=_number, parse_constant=_no_number, object_pairs_hook=_once
        )
    except (ValueError, RecursionError):
        _fail(f"{name} is not JSON.")


def _proxy_body(event: Mapping[str, Any]) -> object:
    if event.get("queryStringParameters") or event.get("multiValueQueryStringParameters"):
        _fail("overrides belong in the body, as JSON; the query string is not read.")
    body = event.get("body")
    if body is None:
        return {}
    if not isinstance(body, str):
        _fail(f"the body is {type(body).__name__}; valid is JSON text.")
    try:
        text = base64.b64decode(body, validate=True).decode() if event.get("isBase64Encoded") else body
    except (ValueError, binascii.Error):
        _fail("the body is not base64 of UTF-8.")
    return _json(text, "the body")


def _number(digits: str) -> NumberLiteral:
    return NumberLiteral(digits)


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        _fail("a key is given twice.")
    return members


def _release(overrides: Mapping[str, Any]) -> Release | None:
    name, parameters = overrides.get("stored_procedure_name"), overrides.get("parameters")
    if name is None:
        if parameters is not None and parameters != []:
            _fail("parameters go with stored_procedure_name; the calls of a file have their own.")
        return None
    if not isinstance(name, str):
        _fail(f"stored_procedure_name is {type(name).__name__}; valid is text.")
    if parameters is not None and not isinstance(parameters, list | tuple):
        _fail(f"parameters is {type(parameters).__name__}; valid is a list of texts, numbers, booleans and nulls.")
    values = parameters or ()
    if len(values) > PROCEDURE_ARGUMENTS_MAX:
        _fail(f"{len(values):,} parameters; a Redshift procedure takes at most {PROCEDURE_ARGUMENTS_MAX}.")
    arguments = tuple(_argument(place, value) for place, value in enumerate(values, 1))
    if fault := arguments_fault(arguments):
        _fail(f"{fault}.")
    return Release(SOURCE, (ProcedureCall(1, parse_name(name, f"{SOURCE} stored_procedure_name"), arguments),), None)


def _argument(place: int, value: object) -> Value:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Mapping):
        return _secret(place, value)
    if isinstance(value, NumberLiteral):
        digits = value.digits
    elif isinstance(value, int) and value.bit_length() < 4 * _DIGITS_MAX:
        digits = str(value)
    elif isinstance(value, float) and math.isfinite(value):
        digits = repr(value)
    else:
        _fail(f"parameter {place} is {type(value).__name__}; valid are texts, finite numbers, booleans and nulls.")
    if len(digits) > _DIGITS_MAX:
        _fail(f"parameter {place} is a number of {len(digits):,} characters; at most {_DIGITS_MAX} are taken.")
    return NumberLiteral(digits)


def _secret(place: int, value: Mapping[str, object]) -> SecretArgument:
    """`{"secret": VALUE}`: bound, and not shown in the result."""
    argument = _argument(place, value.get("secret")) if set(value) == {"secret"} else None
    if not isinstance(argument, str | NumberLiteral):
        _fail(f'parameter {place} is an object; valid is {{"secret": VALUE}} with a text or a number.')
    return SecretArgument(argument)


def _matched(overrides: Mapping[str, Any], key: str, pattern: re.Pattern[str], most: int) -> str | None:
    value = overrides.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > most or not pattern.fullmatch(value):
        _fail(f"{key} is {printable(repr(value))}; valid is a name such as analytics-1 (at most {most} characters).")
    return value


def _fail(message: str) -> NoReturn:
    raise ReleaseError(message, SOURCE)


def body_of(outcome: Outcome) -> dict[str, Any]:
    """The body: a result for each call, also for those not run; `error` only where the run did not finish."""
    results = [
        {
            "procedure_number": call.number,
            "procedure_name": call.display_name,
            "query_id": state.query_id,
            "status": state.status,
            "sql_executed": None if state.status == NOT_RUN else call.sql_shown,
            "error": state.error,
            "duration_ms": state.duration_ms,
        }
        for call, state in zip(outcome.release.calls, outcome.calls, strict=True)
    ]
    return _body(results, outcome.release.content, outcome.error)


def failed_body(error: str, content: str | None = None) -> dict[str, Any]:
    """The body where nothing could be planned: no file, a file that is not a release, an event that is not valid."""
    return _body([], content, error)


def response(body: dict[str, Any], is_proxy: bool = False) -> dict[str, Any]:
    """The whole result: 200 when every procedure succeeded, else 500. Under API Gateway the body is JSON text."""
    is_done = "error" not in body and body["successful_procedures"] == body["total_procedures"]
    result: dict[str, Any] = {"statusCode": 200 if is_done else 500, "body": body}
    if is_proxy:
        result["body"] = msgspec.json.encode(body).decode()
        result["headers"] = {"Content-Type": "application/json"}
        result["isBase64Encoded"] = False
    return result


def _body(results: list[dict[str, Any]], content: str | None, error: str | None) -> dict[str, Any]:
    succeeded = sum(result["status"] == "FINISHED" for result in results)
    body: dict[str, Any] = {
        "message": f"Executed {succeeded} stored procedures successfully",
        "total_procedures": len(results),
        "successful_procedures": succeeded,
        "execution_results": results,
        "s3_content": content,
    }
    return body if error is None else {**body, "error": error}
