"""The Lambda function `transcript_arrived`: transcripts that S3 notifies of, into the lake.

Its events are S3 notifications through SQS (answered with `batchItemFailures`), through EventBridge, or direct.
"""

from __future__ import annotations

import logging
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from trunkline.aws.clients import make_client
from trunkline.aws.secrets import resolve_secrets
from trunkline.lake.store import open_store
from trunkline.objects.catalogue import OBJECTS
from trunkline.pipelines.home import LakeHome
from trunkline.pipelines.home_rules import check_rule
from trunkline.pipelines.post_call.arrivals import TranscriptReceiver
from trunkline.settings.installation import Settings
from trunkline.sources.files.listing import messages

_LOG = logging.getLogger("trunkline.transcript_arrived")


@cache
def _receiver() -> TranscriptReceiver:
    """Made once for all invocations of a warm function."""
    scratch = Path(tempfile.mkdtemp(prefix="trunkline-"))
    settings = resolve_secrets(Settings.for_function(scratch))
    store = open_store(settings.lake)
    check_rule(settings, store, list(OBJECTS.values()))
    return TranscriptReceiver(LakeHome(settings, store, scratch), make_client("s3"))


def handler(event: Any, context: Any) -> dict[str, Any]:
    """`statusCode`, `processed`, and the messages to deliver again. Without a queue, errors are raised for a retry."""
    del context
    arrived = _receiver().receive(messages(event))
    if arrived.first_error is not None:
        _LOG.warning("not put: %s", arrived.first_error)
        if not arrived.failed:
            raise arrived.first_error
    return {
        "statusCode": 200,
        "processed": arrived.processed,
        "filtered": arrived.filtered,
        "batchItemFailures": [{"itemIdentifier": message_id} for message_id in arrived.failed],
    }
