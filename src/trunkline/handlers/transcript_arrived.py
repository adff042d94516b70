"""The Lambda function `transcript_arrived`: S3 tells of a transcript, and its call is richer.

Fed by S3 notifications through SQS (answers with `batchItemFailures`), through EventBridge, or straight.
"""

from __future__ import annotations

import logging
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from trunkline.aws.clients import make_client
from trunkline.lake.store import open_store
from trunkline.objects.catalogue import OBJECTS
from trunkline.objects.transcript import TRANSCRIPT
from trunkline.pipelines.arrivals import Receiver
from trunkline.pipelines.pii_rule import check_rule
from trunkline.settings import Settings
from trunkline.sources.files.s3_events import messages

_LOG = logging.getLogger("trunkline.transcript_arrived")


@cache
def _receiver() -> Receiver:
    """Made once for all invocations of a warm function."""
    scratch = Path(tempfile.mkdtemp(prefix="trunkline-"))
    settings = Settings.for_function(scratch)
    store = open_store(settings.lake)
    check_rule(settings, store, list(OBJECTS.values()))
    return Receiver(settings, TRANSCRIPT, store, scratch, make_client("s3"))


def handler(event: Any, context: Any) -> dict[str, Any]:
    """`statusCode`, `processed`, and the messages to deliver again. Without a queue an error is raised, for a retry."""
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
        "batchItemFailures": [{"itemIdentifier": one} for one in arrived.failed],
    }
