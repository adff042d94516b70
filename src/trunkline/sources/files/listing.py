"""Which files a load reads: files, globs, folders and `s3://` addresses become one list in order of uri.

Names in folders and prefixes that begin with `.` or `_` are skipped, at any depth, as Hadoop and Spark do.

S3 notifications of new objects arrive through SQS, through EventBridge, or straight at a function. A notification's
keys are URL-encoded, EventBridge's are not. Events other than creations are left out. Source: S3 user guide, event
message structure and using EventBridge; the sample envelopes.
"""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import unquote_plus

import msgspec

from trunkline.aws import s3 as s3_client
from trunkline.aws.clients import make_client
from trunkline.errors import TerminalError, UsageError


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One version of one file.

    `uri` is `s3://bucket/key`, or a local file's absolute path with symbolic links resolved. `version` is S3's ETag,
    or `size-mtime` in bytes and nanoseconds. `size_bytes` as stored (compressed). `arrived_at` is S3's LastModified
    or the file's modification time, naive UTC.
    """

    uri: str
    version: str
    size_bytes: int
    arrived_at: datetime


def list_files(paths: Sequence[str], client: Any = None) -> list[SourceFile]:
    """Every file that the paths name, each once, in order of uri.

    UsageError where a path or glob names nothing; an empty folder is no error. TerminalError where it cannot be read.
    `client` is a boto3 S3 client (made where needed).
    """
    files: dict[str, SourceFile] = {}
    for path in paths:
        if path.startswith("s3://"):
            client = client or make_client("s3")
            listed: Iterator[SourceFile] = _s3(path, client)
        else:
            _refuse_address(path)
            listed = map(local_file, _local(path))
        files.update((file.uri, file) for file in listed)
    return [files[uri] for uri in sorted(files)]


def _refuse_address(path: str) -> None:
    """Raises UsageError for the address of something else than a file or an object in S3."""
    scheme, separator, _ = path.partition("://")
    if not separator or os.path.lexists(path):
        return
    if scheme.lower() in ("http", "https"):
        raise UsageError(
            f"{path!r} is a web address, which is not read: download it first (curl -O {path}) and name the file, or "
            "name an object in S3 as s3://bucket/key."
        )
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme):
        raise UsageError(
            f"{path!r} has the scheme {scheme}://, which is not read: name a file, a folder, a glob or s3://bucket/prefix."
        )


def local_file(path: str) -> SourceFile:
    """A local file as it is now."""
    return resolved_file(os.path.realpath(path))


def resolved_file(uri: str) -> SourceFile:
    """The local file of a uri, as it is now.

    Raises UsageError for what is not a regular file, TerminalError for a file that cannot be read or recorded.
    """
    try:
        uri.encode()
        stats = os.stat(uri)
    except UnicodeEncodeError as error:
        raise TerminalError(
            f"the name of {os.fsencode(uri)!r} is not UTF-8, so it cannot be recorded: rename the file."
        ) from error
    except OSError as error:
        raise unreadable(uri, error) from error
    if not stat.S_ISREG(stats.st_mode):
        raise UsageError(f"{uri} is not a regular file: name a file, a folder, a glob or s3://bucket/prefix.")
    return SourceFile(
        uri, version_of(stats), stats.st_size, datetime.fromtimestamp(stats.st_mtime, UTC).replace(tzinfo=None)
    )


def find(uri: str, client: Any = None) -> SourceFile | None:
    """A file or object as it is now; None when there is none."""
    if not uri.startswith("s3://"):
        return local_file(uri) if os.path.isfile(uri) else None
    stored = s3_client.head(client or make_client("s3"), uri)
    return None if stored is None else SourceFile(uri, stored.version, stored.size_bytes, stored.arrived_at)


def version_of(stats: os.stat_result) -> str:
    """The version text of a local file: size and modification time in nanoseconds."""
    return f"{stats.st_size}-{stats.st_mtime_ns}"


def unreadable(path: str, error: OSError) -> TerminalError:
    """The error for a file that the operating system does not let us read."""
    return TerminalError(
        f"{path} cannot be read ({error.strerror}): check that it is there and that this user may read it."
    )


def _local(path: str) -> Iterator[str]:
    if os.path.isdir(path):
        yield from _folder(path)
    elif os.path.lexists(path):
        yield path
    elif glob.has_magic(path):
        matches = sorted(glob.glob(path, recursive=True))
        if not matches:
            raise UsageError(
                f"no file matches {path!r}: check the pattern (** includes subfolders, names with . are skipped)."
            )
        for match in matches:
            yield from _folder(match) if os.path.isdir(match) else [match]
    else:
        raise UsageError(f"{path!r} does not exist: name a file, a folder, a glob or s3://bucket/prefix.")


def _folder(folder: str) -> Iterator[str]:
    """The files below a folder. Links to folders are followed, each folder once."""

    def refuse(error: OSError) -> None:
        raise unreadable(str(error.filename), error) from error

    seen = {os.path.realpath(folder)}
    for parent, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        followed = []
        for name in sorted(folders):
            real = os.path.realpath(os.path.join(parent, name))
            if not name.startswith((".", "_")) and real not in seen:
                seen.add(real)
                followed.append(name)
        folders[:] = followed
        for name in sorted(names):
            if not name.startswith((".", "_")):
                file = os.path.join(parent, name)
                try:
                    is_regular = stat.S_ISREG(os.stat(file).st_mode)
                except OSError as error:
                    raise unreadable(file, error) from error
                if is_regular:
                    yield file


def _s3(url: str, client: Any) -> Iterator[SourceFile]:
    """An object, a pattern, or what is below a prefix: a folder if there is one, else all keys that begin with it."""
    bucket, prefix = s3_client.split(url)
    if not bucket:
        raise UsageError(f"{url!r} names no bucket: valid is s3://bucket/prefix.")
    fixed = prefix[: min((prefix.find(mark) for mark in "*?" if mark in prefix), default=len(prefix))]
    listed = list(s3_client.listing(client, bucket, fixed))
    exact = [stored for stored in listed if stored.key == prefix and not prefix.endswith("/")]
    folder = prefix if not prefix or prefix.endswith("/") else prefix + "/"
    inside = [stored for stored in listed if stored.key.startswith(folder)]
    if not exact and not inside and fixed != prefix:
        pattern = prefix.replace("[", "[[]")
        listed, folder = [stored for stored in listed if fnmatchcase(stored.key, pattern)], fixed
    elif not inside:
        folder = fixed
    if not listed and prefix:
        raise UsageError(
            f"there is no object under {url!r}: check the address (`aws s3 ls` shows it), or wait for a delivery."
        )
    for stored in exact or inside or listed:
        if stored in exact or not _is_skipped(stored, folder):
            yield SourceFile(f"s3://{bucket}/{stored.key}", stored.version, stored.size_bytes, stored.arrived_at)


def _is_skipped(stored: s3_client.S3Object, folder: str) -> bool:
    """Whether the object marks a folder, or has a name below `folder` that begins with `.` or `_`."""
    if stored.size_bytes == 0 and stored.key.endswith(("/", "_$folder$")):
        return True
    rest = stored.key[len(folder) :]
    if folder and not folder.endswith("/"):
        rest = rest.partition("/")[2]  # the user named this part
    return any(part.startswith((".", "_")) for part in rest.split("/"))


@dataclass(frozen=True, slots=True)
class Message:
    """What one delivery names: `s3://` URLs of created objects. `id` is the SQS message's, None without a queue.

    `is_read`: whether it could be understood; a message that could not is left to the queue's own dead-letter queue.
    """

    id: str | None
    urls: tuple[str, ...]
    is_read: bool = True


def messages(event: Any) -> list[Message]:
    """The deliveries of a function's event, in order."""
    records = event.get("Records") if isinstance(event, Mapping) else None
    if not isinstance(records, list):
        return [_message(None, event)]
    if any("body" in record for record in records if isinstance(record, Mapping)):
        return [_of_queue(record) for record in records]
    return [_message(None, event)]


def _of_queue(record: Mapping[str, Any]) -> Message:
    id_ = str(record.get("messageId"))
    try:
        body = msgspec.json.decode(str(record.get("body")))
    except msgspec.DecodeError:
        return Message(id_, (), is_read=False)
    if isinstance(body, Mapping) and isinstance(body.get("Message"), str):  # SNS stands between bucket and queue
        try:
            body = msgspec.json.decode(body["Message"])
        except msgspec.DecodeError:
            return Message(id_, (), is_read=False)
    return _message(id_, body)


def _message(id_: str | None, body: Any) -> Message:
    try:
        return Message(id_, tuple(_urls(body)))
    except (AttributeError, KeyError, TypeError):
        return Message(id_, (), is_read=False)


def _urls(body: Mapping[str, Any]) -> list[str]:
    if body.get("source") == "aws.s3":
        if body.get("detail-type") != "Object Created":
            return []
        detail = body["detail"]
        return [f"s3://{detail['bucket']['name']}/{detail['object']['key']}"]
    if body.get("Event") == "s3:TestEvent":
        return []
    return [
        f"s3://{record['s3']['bucket']['name']}/{unquote_plus(record['s3']['object']['key'])}"
        for record in body["Records"]
        if str(record["eventName"]).startswith("ObjectCreated:")
    ]
