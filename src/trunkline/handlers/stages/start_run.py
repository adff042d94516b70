"""The Lambda function `start_run`: a schedule's firing as one execution, named by the window that it is for.

EventBridge cannot name an execution. A name for each window lets a firing that comes twice find the first's execution.
"""

from __future__ import annotations

from typing import Any

from trunkline.aws.clients import make_client
from trunkline.handlers.stages.observed import observed
from trunkline.orchestration.firings import start_execution
from trunkline.pipelines.run.function import function_settings


@observed
def handler(event: Any, context: Any) -> dict[str, Any]:
    """`execution`, `name`, and `was_over`: whether the execution of this window had ended before."""
    del context
    return start_execution(event, function_settings(), make_client("stepfunctions"))
