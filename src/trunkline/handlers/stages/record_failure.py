"""The Lambda function `record_failure`: end the run as failed, free the lock, send a message; then fail."""

from __future__ import annotations

from typing import Any

from trunkline.handlers.stages.observed import observed, publisher
from trunkline.pipelines.run.function import record_failure


@observed
def handler(event: Any, context: Any) -> dict[str, Any]:
    """`is_redriven` after a redrive, where the machine begins anew. Else raises RunFailedError."""
    return record_failure(event, publisher(context))
