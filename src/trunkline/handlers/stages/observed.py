"""Logs, metrics and traces of the functions of a state machine, by AWS Lambda Powertools where it is installed.

Without it (the extra `trunkline[functions]`) a call is one JSON line of the log, and functions work the same. Nothing
here logs an event or an answer as a whole.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from functools import cache, wraps
from importlib.util import find_spec
from typing import Any, Final

from trunkline import clock
from trunkline.pipelines.run.function import function_settings
from trunkline.pipelines.run.notify import Publish, publish_to_topic

Handler = Callable[[Any, Any], dict[str, Any]]
_SHOWN: Final = ("object", "run_id", "execution", "method", "rows_read", "rows_changed", "batches", "is_done", "is_due")
_COUNTED: Final = ("rows_read", "rows_changed", "dead_letter")
_SERVICE: Final = "trunkline"


def observed(handler: Handler) -> Handler:
    """The handler, with a log line, metrics and a trace for each call."""
    traced = cache(lambda: _traced(handler))  # at the first call, and not where the module is imported

    @wraps(handler)
    def call(event: Any, context: Any) -> dict[str, Any]:
        started_s = clock.monotonic_s()
        fields = _shown(event)
        try:
            answer = traced()(event, context)
        except Exception as error:
            seconds = clock.monotonic_s() - started_s
            _log()(True, {**fields, "error_type": type(error).__name__, "error": str(error), "seconds": seconds})
            _count(fields, {"failures": 1})
            raise
        _log()(False, {**fields, **_shown(answer), "seconds": clock.monotonic_s() - started_s})
        _count(fields, {name: answer[name] for name in _COUNTED if isinstance(answer.get(name), int)})
        return answer

    return call


def publisher(context: Any) -> Publish:
    """Sends a run's message; once, where a table for idempotency is set, although the function is called again."""
    table = function_settings().idempotency_table
    if not table or context is None or find_spec("aws_lambda_powertools") is None:
        return publish_to_topic
    return _once(table, context)


def _once(table: str, context: Any) -> Publish:
    from aws_lambda_powertools.utilities.idempotency import (
        DynamoDBPersistenceLayer,
        IdempotencyConfig,
        idempotent_function,
    )

    layer = DynamoDBPersistenceLayer(table_name=table)
    config = IdempotencyConfig(lambda_context=context)

    def send(message: dict[str, str]) -> bool:
        publish_to_topic(message["topic"], message["subject"], message["text"])
        return True

    once: Any = idempotent_function(send, data_keyword_argument="message", persistence_store=layer, config=config)

    def publish(topic: str, subject: str, text: str) -> None:
        once(message={"topic": topic, "subject": subject, "text": text})

    return publish


def _shown(fields: Any) -> dict[str, Any]:
    return {name: fields[name] for name in _SHOWN if name in fields} if isinstance(fields, Mapping) else {}


@cache
def _log() -> Callable[[bool, dict[str, Any]], None]:
    if find_spec("aws_lambda_powertools") is not None:
        from aws_lambda_powertools import Logger

        logger = Logger(service=_SERVICE)
        return lambda is_error, fields: (logger.error if is_error else logger.info)("stage", extra=fields)
    plain = logging.getLogger(_SERVICE)
    return lambda is_error, fields: (plain.error if is_error else plain.info)(json.dumps(fields, default=str))


def _count(fields: Mapping[str, Any], counts: Mapping[str, int]) -> None:
    if find_spec("aws_lambda_powertools") is None or not counts:
        return
    from aws_lambda_powertools import single_metric
    from aws_lambda_powertools.metrics import MetricUnit

    for name, value in counts.items():
        with single_metric(name=name, unit=MetricUnit.Count, value=value, namespace="Trunkline") as metric:
            metric.add_dimension("object", str(fields.get("object", "unknown")))


def _traced(handler: Handler) -> Handler:
    if find_spec("aws_lambda_powertools") is None or find_spec("aws_xray_sdk") is None:
        return handler
    from aws_lambda_powertools import Tracer

    traced: Handler = Tracer(service=_SERVICE).capture_lambda_handler(
        handler, capture_response=False, capture_error=False
    )
    return traced
