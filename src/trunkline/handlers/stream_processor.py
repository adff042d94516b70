"""The Lambda function `stream_processor`: changes of DynamoDB tables into the lake."""

from __future__ import annotations

import logging
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from trunkline.aws.secrets import resolve_secrets
from trunkline.lake.store import open_store
from trunkline.pipelines.home import LakeHome, load_objects
from trunkline.pipelines.home_rules import check_rule
from trunkline.pipelines.post_call.arrivals import ChangeProcessor, make_search
from trunkline.settings.installation import Settings

_LOG = logging.getLogger("trunkline.stream")
_OK, _PARTIAL = 200, 500


@cache
def _processor() -> ChangeProcessor:
    """Made once for all invocations of a warm function."""
    scratch = Path(tempfile.mkdtemp(prefix="trunkline-"))
    settings = resolve_secrets(Settings.for_function(scratch))
    store = open_store(settings.lake)
    objects = load_objects(settings)
    check_rule(settings, store, list(objects.values()))
    lake = LakeHome(settings, store, scratch)
    return ChangeProcessor(lake, objects, make_search(lake))


def handler(event: Any, context: Any) -> dict[str, Any]:
    """`statusCode`, `processed` (rows in the lake), `filtered`, `set_aside` and Lambda's `batchItemFailures`."""
    del context
    done = _processor().process(event["Records"], _LOG.warning)
    if done.dead_letter:
        _LOG.warning("%d records were set aside: trunkline dead-letter list", done.dead_letter)
    failures = [] if done.failed_from is None else [{"itemIdentifier": done.failed_from}]
    return {
        "statusCode": _PARTIAL if failures else _OK,
        "processed": done.accepted,
        "filtered": done.filtered,
        "set_aside": done.dead_letter,
        "batchItemFailures": failures,
    }
