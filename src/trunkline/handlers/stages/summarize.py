"""The Lambda function `summarize`: what the machine of all objects ends with, by the result of each of them."""

from __future__ import annotations

from typing import Any

from trunkline.handlers.stages.observed import observed
from trunkline.pipelines.run.function import summarize


@observed
def handler(event: Any, context: Any) -> dict[str, Any]:
    """The objects that succeeded. Raises RunFailedError naming those that failed."""
    del context
    return summarize(event)
