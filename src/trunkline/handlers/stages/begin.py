"""The Lambda function `begin`: take the object's lock and write down that a run has begun, where a window is due."""

from __future__ import annotations

from typing import Any

from trunkline.handlers.stages.observed import observed
from trunkline.pipelines.run import stages
from trunkline.pipelines.run.function import call_stage


@observed
def handler(event: Any, context: Any) -> dict[str, Any]:
    """`is_due`, `run_id` and the window. Raises LockedError, which is retried, while another run has the object."""
    del context
    started_by = str(event.get("started_by") or "state machine")
    return call_stage(event, lambda home, obj: stages.begin(home, obj, str(event["execution"]), started_by))
