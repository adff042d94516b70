"""The Lambda function `event_processor`: contact records, agent events and contact events into the lake.

Its events are a Kinesis stream's records, messages of an SQS queue behind an EventBridge rule, or such a rule's events.
"""

from __future__ import annotations

import logging
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from trunkline.aws.secrets import resolve_secrets
from trunkline.lake.store import open_store
from trunkline.objects.catalogue import OBJECTS
from trunkline.pipelines.home import LakeHome
from trunkline.pipelines.home_rules import check_rule
from trunkline.pipelines.jobs.deliveries import StreamReceiver
from trunkline.settings.installation import Settings

_LOG = logging.getLogger("trunkline.events")


@cache
def _receiver() -> StreamReceiver:
    """Made once for all invocations of a warm function."""
    scratch = Path(tempfile.mkdtemp(prefix="trunkline-"))
    settings = resolve_secrets(Settings.for_function(scratch))
    store = open_store(settings.lake)
    check_rule(settings, store, list(OBJECTS.values()))
    return StreamReceiver(LakeHome(settings, store, scratch), OBJECTS)


def handler(event: Any, context: Any) -> dict[str, Any]:
    """`processed` (rows in the lake), `set_aside` and Lambda's `batchItemFailures`. Raises what a retry may cure."""
    del context
    done = _receiver().receive(event, _LOG.warning)
    if done.dead_letter:
        _LOG.warning("%d records were set aside: trunkline dead-letter list", done.dead_letter)
    failures = [] if done.failed_from is None else [{"itemIdentifier": done.failed_from}]
    return {"processed": done.accepted, "set_aside": done.dead_letter, "batchItemFailures": failures}
