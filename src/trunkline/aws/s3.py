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
            for one in page.get("Contents", ()):
                arrived_at = one["LastModified"].astimezone(UTC).replace(tzinfo=None)
                yield S3Object(one["Key"], one["ETag"].strip('"'), one["Size"], arrived_at)


def head(client: Any, url: str) -> S3Object | None:
    """An object as it is now; None when there is none. Without s3:ListBucket S3 does not tell, which is an error."""
    from botocore.exceptions import ClientError

    bucket, key = split(url)
    with translate_errors("s3", url):
        try:
            found = client.head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if str(error.response["Error"].get("Code")) in {"404", "NoSuchKey", "NotFound"}:
                return None
            raise
    arrived_at = found["LastModified"].astimezone(UTC).replace(tzinfo=None)
    return S3Object(key, found["ETag"].strip('"'), found["ContentLength"], arrived_at)


class S3Raw:
    """The stored bytes of one version of an object. Reads in order, from anywhere; reconnects where a read fails."""

    def __init__(self, client: Any, url: str, version: str) -> None:
        self._client, self._url, self._version = client, url, version
        self._bucket, self._key = split(url)
        self._position = 0
        self._body: Any = None
        self._version_id: str | None = None

    def seek(self, position: int) -> None:
        """Go on from byte `position`."""
        self.close()
        self._position = position

    def read(self, size: int, /) -> bytes:
        """The next bytes, b"" at the end. SourceChangedError when this version cannot be had any more."""
        from botocore.exceptions import IncompleteReadError, ReadTimeoutError, ResponseStreamingError

        broke = (IncompleteReadError, ReadTimeoutError, ResponseStreamingError, ConnectionError)
        for _ in range(READ_TRIES):
            try:
                with translate_errors("s3", self._url):
                    if self._body is None:
                        self._body = self._open()
                    found: bytes = self._body.read(size) if self._body else b""
            except TransientError as error:
                if not isinstance(error.__cause__, broke):
                    raise
                self.close()
                continue
            self._position += len(found)
            return found
        raise TransientError(f"{self._url} broke off {READ_TRIES} times at byte {self._position}: try again later.")

    def close(self) -> None:
        """Let the connection go."""
        if self._body:
            self._body.close()
        self._body = None

    def check(self) -> None:
        """Nothing to do: one answer of S3 is one version."""

    def _open(self) -> Any:
        """The body from the position on; an empty text where that is the object's end."""
        from botocore.exceptions import ClientError

        asked: dict[str, str] = {"IfMatch": f'"{self._version}"'}
        if self._version_id:
            asked = {"VersionId": self._version_id}
        if self._position:
            asked["Range"] = f"bytes={self._position}-"
        try:
            return self._client.get_object(Bucket=self._bucket, Key=self._key, **asked)["Body"]
        except ClientError as error:
            code = str(error.response["Error"].get("Code"))
            if code in {"InvalidRange", "416"}:
                return b""
            if code not in _CHANGED or self._version_id:
                raise
            self._version_id = self._older(error)
            return self._open()

    def _older(self, error: ClientError) -> str:
        """The id of the version with our ETag, in a bucket that keeps versions."""
        from botocore.exceptions import ClientError

        try:
            for page in self._client.get_paginator("list_object_versions").paginate(
                Bucket=self._bucket, Prefix=self._key
            ):
                for one in page.get("Versions", ()):
                    is_ours = one["Key"] == self._key and one["ETag"].strip('"') == self._version
                    if is_ours and one.get("VersionId", "null") != "null":
                        return str(one["VersionId"])
        except ClientError:
            pass  # without the permission to list versions the object counts as gone
        raise SourceChangedError(
            f"{self._url} is no longer the version {self._version} that was listed: "
            "run the same command again to list anew."
        ) from error
