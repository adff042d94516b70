"""The Lambda function `stage`: count the rows that wait in the lake, and choose COPY or insert by their number."""

from __future__ import annotations

from typing import Any

from trunkline.handlers.stages.observed import observed
from trunkline.pipelines.run import stages
from trunkline.pipelines.run.function import call_stage, stage_event


@observed
def handler(event: Any, context: Any) -> dict[str, Any]:
    """`method` (copy, insert or none), `batches` and `rows`."""
    del context
    return call_stage(event, lambda home, obj: stages.stage(home, obj, stage_event(event)))
