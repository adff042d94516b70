"""The Lambda function `backfill_files`: a batch of files of a Distributed Map into the lake."""

from __future__ import annotations

from typing import Any

from trunkline.handlers.stages.observed import observed
from trunkline.orchestration.backfill import put_files
from trunkline.pipelines.run.function import function_settings


@observed
def handler(event: Any, context: Any) -> dict[str, Any]:
    """`rows_read`, `dead_letter` and `batches` of these files. What is in the lake is not put again."""
    del context
    return put_files(event, function_settings())
