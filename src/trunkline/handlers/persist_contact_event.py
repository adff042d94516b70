"""The Lambda function `persist_contact_event`: a point of a time series for each contact event.

Its events are those of an EventBridge rule, direct or through an SQS queue.
TRUNKLINE_LIVE_STORE names the store, TRUNKLINE_LETTER_QUEUE where to send what cannot be used.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from trunkline import clock
from trunkline.errors import TransientError
from trunkline.pipelines.live.function import LiveFunction
from trunkline.pipelines.live.persist import persist_contact_events


@cache
def _function() -> LiveFunction:
    """Made once for all invocations of a warm function."""
    return LiveFunction.of_environment()


def handler(event: Any, context: Any) -> dict[str, Any]:
    """`written`, `ignored`, `set_aside` and Lambda's `batchItemFailures`.

    Raises TransientError for an event of EventBridge that was not written, so that it is sent again.
    """
    del context
    function = _function()
    done = persist_contact_events(event, function.store, function.put_letters, clock.now())
    failures = [{"itemIdentifier": record.sequence} for record in done.failed]
    if failures and "Records" not in event:  # EventBridge does not read the answer, and repeats what was raised
        raise TransientError("the event was not written; see the warning before")
    return {
        "written": done.written,
        "ignored": done.ignored,
        "set_aside": done.set_aside,
        "batchItemFailures": failures,
    }
