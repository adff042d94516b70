"""What the `persist_*` functions are made of: settings, the store, and where letters go."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from trunkline.aws.clients import QUICK, make_client
from trunkline.aws.secrets import live_token
from trunkline.errors import UsageError
from trunkline.live.stores.model import SeriesStore
from trunkline.live.stores.registry import open_store
from trunkline.pipelines.live.persist import LetterQueue, LetterSink, log_letters
from trunkline.settings.installation import Settings


@dataclass(frozen=True, slots=True)
class LiveFunction:
    """What is kept between the invocations of a warm function: connections, and no state."""

    settings: Settings
    store: SeriesStore
    put_letters: LetterSink

    @classmethod
    def of_environment(cls) -> LiveFunction:
        """By the function's variables. Raises UsageError for a setting that is not valid."""
        settings = Settings.load(Path(tempfile.gettempdir()) / "trunkline")
        store = open_store(settings.live_store, live_token(settings))
        if not settings.letter_queue:
            return cls(settings, store, log_letters)
        if not settings.letter_queue.startswith("https://"):
            raise UsageError(
                f"letter_queue is {settings.letter_queue!r}; valid is the URL of an SQS queue, such as "
                "https://sqs.eu-west-2.amazonaws.com/111122223333/letters"
            )
        return cls(settings, store, LetterQueue(make_client("sqs", policy=QUICK), settings.letter_queue))
