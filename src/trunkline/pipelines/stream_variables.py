"""What the function `stream_processor` takes from its environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from trunkline.errors import UsageError
from trunkline.settings import Settings, environment


class StreamVariables(msgspec.Struct, frozen=True, kw_only=True):
    """What the function `stream_processor` takes from the environment, under the names that its document has.

    ANALYTICS_BUCKET is the lake's bucket, TRANSCRIBE_BUCKET the transcripts'; TRUNKLINE_* variables are settings.
    """

    settings: Settings
    transcribe_bucket: str = ""

    @classmethod
    def load(cls, scratch: Path, environ: Mapping[str, str] | None = None) -> StreamVariables:
        """Settings with the lake in ANALYTICS_BUCKET (TRUNKLINE_LAKE wins) and `scratch` as the home.

        Raises UsageError where neither is set, and for hashes without a key: a function has no home to keep one in.
        """
        variables = dict(environment() if environ is None else environ)
        bucket = variables.get("ANALYTICS_BUCKET", "").strip()
        if not bucket and not variables.get("TRUNKLINE_LAKE"):
            raise UsageError("ANALYTICS_BUCKET is not set: it names the bucket that the lake lies in")
        variables.setdefault("TRUNKLINE_LAKE", f"s3://{bucket}")
        if not variables.get("TRUNKLINE_PII_KEY"):
            variables.setdefault("TRUNKLINE_PII", "drop")
        settings = Settings.load(scratch, variables)
        if settings.pii == "hash" and settings.pii_key_given is None:
            raise UsageError(
                "TRUNKLINE_PII is hash and TRUNKLINE_PII_KEY is not set: put the lake's key there, or set "
                "TRUNKLINE_PII to drop or keep, the same for all that write to the lake"
            )
        return cls(settings=settings, transcribe_bucket=variables.get("TRANSCRIBE_BUCKET", "").strip())
