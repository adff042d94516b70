"""The Lambda function `extract`: read what is new at the object's source and put it into the lake."""

from __future__ import annotations

from typing import Any

from trunkline.handlers.stages.observed import observed
from trunkline.pipelines.run import stages
from trunkline.pipelines.run.function import call_stage, left, stage_event


@observed
def handler(event: Any, context: Any) -> dict[str, Any]:
    """`is_done`, `batches` and `rows_read`; called again until `is_done`, so that a run may outlast a function."""
    is_over = left(context)
    return call_stage(event, lambda home, obj: stages.extract(home, obj, stage_event(event), is_over))
