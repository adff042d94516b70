"""The Lambda function `persist_instance_data`: queues, agents and routing profiles as the Connect API has them now.

Run it on a schedule, such as every minute, with a reserved concurrency of 1. TRUNKLINE_CONNECT_INSTANCES names the
instances, TRUNKLINE_LIVE_STORE the store.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from trunkline import clock
from trunkline.limits import LAMBDA_MARGIN_S
from trunkline.pipelines.live.function import LiveFunction
from trunkline.pipelines.live.instance_data import persist_instances


@cache
def _function() -> LiveFunction:
    """Made once for all invocations of a warm function."""
    return LiveFunction.of_environment()


def handler(event: Any, context: Any) -> dict[str, Any]:
    """`written` and `refused` points, `calls` by operation. Raises the first error after all instances had their turn.

    An instance whose calls do not fit into the function's time is left to the next run, and named in `unfinished`.
    """
    del event
    function = _function()
    deadline_s = clock.now().timestamp() + context.get_remaining_time_in_millis() / 1000 - LAMBDA_MARGIN_S
    done = persist_instances(function.settings, function.store, deadline_s)
    return {
        "written": done.written,
        "refused": done.refused,
        "calls": dict(done.calls),
        "unfinished": list(done.unfinished),
    }
