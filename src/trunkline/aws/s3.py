"""S3 through boto3: listing, and reading one version of an object as a stream."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from trunkline.aws.errors import translate_errors
from trunkline.errors import SourceChangedError, TransientError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

READ_TRIES: Final = 5
_CHANGED: Final = {"412", "PreconditionFailed", "NoSuchKey", "NoSuchVersion"}


class S3Object(NamedTuple):
    """An object as listed. `version` is its ETag; `arrived_at` its LastModified, naive UTC."""

    key: str
    version: str
    size_bytes: int
    arrived_at: datetime


def split(url: str) -> tuple[str, str]:
    """Bucket and key (or prefix, or "") of an `s3://` URL."""
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bucket, key


def listing(client: Any, bucket: str, prefix: str) -> Iterator[S3Object]:
    """Every object whose key begins with `prefix`, in order of key, page by page."""
    with translate_errors("s3", f"s3://{bucket}/{prefix}"):
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", ()):
                arrived_at = entry["LastModified"].astimezone(UTC).replace(tzinfo=None)
                yield S3Object(entry["Key"], entry["ETag"].strip('"'), entry["Size"], arrived_at)


def head(client: Any, url: str) -> S3Object | None:
    """An object as it is now; None when there is none.

    Raises TerminalError without s3:ListBucket, since S3 then answers 403 for an object that does not exist.
    """
    from botocore.exceptions import ClientError

    bucket, key = split(url)
    with translate_errors("s3", url):
        try:
            answer = client.head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if str(error.response["Error"].get("Code")) in {"404", "NoSuchKey", "NotFound"}:
                return None
            raise
    arrived_at = answer["LastModified"].astimezone(UTC).replace(tzinfo=None)
    return S3Object(key, answer["ETag"].strip('"'), answer["ContentLength"], arrived_at)


class S3Raw:
    """The stored bytes of one version of an object, read in order from any position; a failed read reconnects."""

    def __init__(self, client: Any, url: str, version: str) -> None:
        self._client, self._url, self._version = client, url, version
        self._bucket, self._key = split(url)
        self._position = 0
        self._body: Any = None
        self._version_id: str | None = None

    def seek(self, position: int) -> None:
        """Read on from byte `position`."""
        self.close()
        self._position = position

    def read(self, size: int, /) -> bytes:
        """The next bytes, b"" at the end.

        Raises SourceChangedError where this version no longer exists, TransientError where reading keeps failing.
        """
        from botocore.exceptions import IncompleteReadError, ReadTimeoutError, ResponseStreamingError

        broke = (IncompleteReadError, ReadTimeoutError, ResponseStreamingError, ConnectionError)
        for _ in range(READ_TRIES):
            try:
                with translate_errors("s3", self._url):
                    if self._body is None:
                        self._body = self._open()
                    data: bytes = self._body.read(size) if self._body else b""
            except TransientError as error:
                if not isinstance(error.__cause__, broke):
                    raise
                self.close()
                continue
            self._position += len(data)
            return data
        raise TransientError(f"{self._url} broke off {READ_TRIES} times at byte {self._position}: try again later.")

    def close(self) -> None:
        """Close the connection."""
        if self._body:
            self._body.close()
        self._body = None

    def check(self) -> None:
        """Nothing to check: one response of S3 is one version."""

    def _open(self) -> Any:
        """The body from the position on; empty where that is the end of the object."""
        from botocore.exceptions import ClientError

        condition: dict[str, str] = {"IfMatch": f'"{self._version}"'}
        if self._version_id:
            condition = {"VersionId": self._version_id}
        if self._position:
            condition["Range"] = f"bytes={self._position}-"
        try:
            return self._client.get_object(Bucket=self._bucket, Key=self._key, **condition)["Body"]
        except ClientError as error:
            code = str(error.response["Error"].get("Code"))
            if code in {"InvalidRange", "416"}:
                return b""
            if code not in _CHANGED or self._version_id:
                raise
            self._version_id = self._older(error)
            return self._open()

    def _older(self, error: ClientError) -> str:
        """The id of the version with our ETag, in a versioned bucket."""
        from botocore.exceptions import ClientError

        try:
            for page in self._client.get_paginator("list_object_versions").paginate(
                Bucket=self._bucket, Prefix=self._key
            ):
                for entry in page.get("Versions", ()):
                    is_ours = entry["Key"] == self._key and entry["ETag"].strip('"') == self._version
                    if is_ours and entry.get("VersionId", "null") != "null":
                        return str(entry["VersionId"])
        except ClientError:
            pass  # without the permission to list versions, this version counts as deleted
        raise SourceChangedError(
            f"{self._url} is no longer the version {self._version} that was listed: "
            "run the same command again to list anew."
        ) from error
