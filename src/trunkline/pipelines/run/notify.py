"""Messages about runs to an SNS topic: a run that failed, and the first that succeeds after one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from trunkline.aws.clients import make_client
from trunkline.aws.errors import translate_errors
from trunkline.errors import TrunklineError
from trunkline.ledger import runs
from trunkline.ledger.runs import RunRecord
from trunkline.limits import SNS_SUBJECT_CHARS_MAX
from trunkline.pipelines.home import Home

Publish = Callable[[str, str, str], None]
"""Sends (topic, subject, text) to a topic."""


def publish_to_topic(topic: str, subject: str, text: str) -> None:
    """Send a message to an SNS topic. Raises TransientError or TerminalError where it cannot be sent."""
    client = make_client("sns", topic.split(":")[3] if topic.count(":") >= 5 else None)
    with translate_errors("sns", topic):
        client.publish(TopicArn=topic, Subject=subject[:SNS_SUBJECT_CHARS_MAX], Message=text)


def message_of(run: RunRecord) -> tuple[str, str]:
    """Subject and text of the message about a run. The text is JSON, without anything that a record holds."""
    subject = f"Trunkline: {run.object} {run.state}"
    fields: dict[str, Any] = {
        "run_id": run.run_id,
        "object": run.object,
        "state": run.state,
        "window_start": f"{run.window_start.isoformat()}Z",
        "window_end": f"{run.window_end.isoformat()}Z",
        "failed_step": run.failed_step,
        "error": run.error,
        "rows_read": run.rows_read,
        "rows_changed": run.rows_changed,
        "dead_letter": run.dead_letter,
        "seconds": run.seconds,
        "execution": run.execution,
    }
    return subject, json.dumps(fields, indent=1)


def is_news(home: Home, run: RunRecord) -> bool:
    """Whether a message is due: the run failed, or it succeeded and the one before it failed."""
    if run.state != "succeeded":
        return run.state == "failed"
    earlier = [other for other in runs.runs(home.warehouse, run.object, limit=2) if other.run_id != run.run_id]
    return bool(earlier) and earlier[0].state == "failed"


def notify_of_run(home: Home, run: RunRecord, publish: Publish | None = None) -> bool:
    """Send the message about a run where one is due and a topic is set; whether it was sent.

    A message that cannot be sent does not fail the run: its record has everything.
    """
    topic = home.settings.run_topic
    try:
        if not topic or not is_news(home, run):
            return False
        (publish or publish_to_topic)(topic, *message_of(run))
    except TrunklineError:
        return False
    return True
