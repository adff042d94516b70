"""The Lambda function that collects the contacts of its schedule until its time is over. The next run resumes.

It replaces a script such as `boto3_connect_redshift.py`. Settings are `TRUNKLINE_*` variables. `TRUNKLINE_HOME` is a
folder in the function's temporary space, the lake a bucket. Give the function a reserved concurrency of 1: one process
owns a home.
"""

from __future__ import annotations

from typing import Any

from trunkline.pipelines.connect.collect import collect_until
from trunkline.settings.installation import Settings


def handler(event: Any, context: Any) -> dict[str, Any]:
    """One object per instance. Raises the first error after all had their turn, so that Lambda retries."""
    return collect_until(Settings.load(), context.get_remaining_time_in_millis() / 1000)
