# ruff: noqa: N803 - the arguments have the names that boto3 gives them
"""A stand-in for SQS whose messages are files of a folder, so that they outlive the process that reads them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any


class FolderQueue:
    """One queue, by the id that is a file's name. A message is hidden from the object that received it, for ever.

    `refuse_deletes` makes the next so many deletions fail.
    """

    def __init__(self, folder: Path, page: int = 10) -> None:
        self.folder, self.page = folder, page
        self.refuse_deletes = 0
        self.deliveries: Counter[str] = Counter()
        self.hidden: set[str] = set()

    def receive_message(self, *, QueueUrl: str, MaxNumberOfMessages: int, **_: Any) -> Any:
        ids = [path.name for path in sorted(self.folder.iterdir()) if path.name not in self.hidden]
        ids = ids[: min(self.page, MaxNumberOfMessages)]
        self.hidden.update(ids)
        self.deliveries.update(ids)
        return {"Messages": [self._message(message_id) for message_id in ids]} if ids else {}

    def _message(self, message_id: str) -> dict[str, Any]:
        attributes = {
            "SentTimestamp": "1772532000000",
            "ApproximateReceiveCount": str(self.deliveries[message_id]),
        }
        body = (self.folder / message_id).read_text()
        return {"MessageId": message_id, "ReceiptHandle": message_id, "Body": body, "Attributes": attributes}

    def delete_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, str]]) -> Any:
        assert len(Entries) <= 10
        failed = []
        for entry in Entries:
            if self.refuse_deletes:
                self.refuse_deletes -= 1
                failed.append({"Id": entry["Id"], "Code": "InternalError", "SenderFault": False})
            else:
                (self.folder / entry["ReceiptHandle"]).unlink(missing_ok=True)
        return {"Failed": failed}

    def change_message_visibility_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> Any:
        self.hidden -= {entry["ReceiptHandle"] for entry in Entries if entry["VisibilityTimeout"] == 0}
        return {}
