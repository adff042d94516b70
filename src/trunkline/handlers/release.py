"""The Lambda function `RedshiftS3SP2`: runs the release in S3, or the one procedure that the event names."""

from __future__ import annotations

import logging
from typing import Any

from trunkline.pipelines.release import Clients, answer
from trunkline.settings import ReleaseVariables
from trunkline.warehouse.redshift_data import DataApi, connect

_LOG = logging.getLogger("trunkline.release")


def handler(event: Any, context: Any) -> dict[str, Any]:
    """`statusCode` and `body` as the mission has them; JSON text under API Gateway. `context` is Lambda's."""
    variables = ReleaseVariables.load()
    clients = Clients(
        s3=connect(variables.region, "s3"),
        data_api=lambda target: DataApi(connect(target.region), target),
    )
    left_s = context.get_remaining_time_in_millis() / 1000
    result = answer(event, variables, clients, context.aws_request_id, left_s, _LOG.warning)
    _LOG.info("status %s", result["statusCode"])
    return result
