"""The Lambda function of a stack's custom resource: installs and migrates the warehouse's tables, views and procedures.

TRUNKLINE_WAREHOUSE names the Redshift, as `redshift+data://...`; TRUNKLINE_ZONE and TRUNKLINE_CONTACT_LINK are those of
the homes that load.
"""

from __future__ import annotations

import time
from typing import Any

from trunkline.deploy.install_warehouse import answer_request, lambda_invocation


def handler(event: Any, context: Any) -> dict[str, Any]:
    """`status`: SUCCESS or FAILED as CloudFormation was answered, or CONTINUED in the next invocation."""
    left_s = context.get_remaining_time_in_millis() / 1000
    return answer_request(event, lambda_invocation(context.invoked_function_arn, left_s, time.sleep))
