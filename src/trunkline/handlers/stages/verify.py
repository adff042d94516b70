"""The Lambda function `verify`: compare the table's rows with those that the ledger counts."""

from __future__ import annotations

from typing import Any

from trunkline.handlers.stages.observed import observed
from trunkline.pipelines.run import stages
from trunkline.pipelines.run.function import call_stage, stage_event


@observed
def handler(event: Any, context: Any) -> dict[str, Any]:
    """`rows` of the table. Raises TerminalError where rows are missing or too many."""
    del context
    return call_stage(event, lambda home, obj: stages.verify(home, obj, stage_event(event)))
