"""The Lambda function `load`: load what waits in the lake and merge it, with its accounting in one transaction.

It waits for the statement in Redshift itself, so that a redrive of the state machine executes the statement again and
does not only ask for the one that failed.
"""

from __future__ import annotations

from typing import Any

from trunkline.handlers.stages.observed import observed
from trunkline.pipelines.run import stages
from trunkline.pipelines.run.function import call_stage, left, stage_event


@observed
def handler(event: Any, context: Any) -> dict[str, Any]:
    """`is_done` and `rows_changed`; called again until `is_done`."""
    is_over, method = left(context), str(event["method"])
    return call_stage(event, lambda home, obj: stages.load(home, obj, stage_event(event), method, is_over))
