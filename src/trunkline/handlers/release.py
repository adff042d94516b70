"""The Lambda function `RedshiftS3SP2`: runs the release in S3, or the one procedure that the event names."""

from __future__ import annotations

import logging
from typing import Any

from trunkline.aws.clients import QUICK, make_client
from trunkline.aws.redshift_data import DataApi
from trunkline.errors import TrunklineError
from trunkline.pipelines.jobs.release import Clients, answer
from trunkline.releases.interface import failed_body, is_proxy, response
from trunkline.settings.release import ReleaseSettings

_LOG = logging.getLogger("trunkline.release")


def handler(event: Any, context: Any) -> dict[str, Any]:
    """`statusCode` and `body`; `body` is JSON text under API Gateway. `context` is Lambda's, or None."""
    # Without a context, as in a call by hand, there is no deadline and no request id.
    left_s = context.get_remaining_time_in_millis() / 1000 if context is not None else None
    try:
        variables = ReleaseSettings.load()
        clients = Clients(
            make_client("s3", variables.region, policy=QUICK),
            lambda target: DataApi(make_client("redshift-data", target.region), target),
        )
    except TrunklineError as error:
        return response(failed_body(str(error)), is_proxy(event))
    return answer(event, variables, clients, getattr(context, "aws_request_id", None), left_s, _LOG.warning)
