"""The Lambda function `notify`: end the run as succeeded, free the lock, and send a message where one is due."""

from __future__ import annotations

from typing import Any

from trunkline.handlers.stages.observed import observed, publisher
from trunkline.pipelines.run import stages
from trunkline.pipelines.run.function import call_stage, stage_event


@observed
def handler(event: Any, context: Any) -> dict[str, Any]:
    """The run in short: its id, state, and counts."""
    return call_stage(event, lambda home, obj: stages.finish(home, obj, stage_event(event), publisher(context)))
