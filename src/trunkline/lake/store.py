"""Where lake objects are stored: a folder or a bucket. Keys are relative; one put publishes one whole object."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from trunkline.aws import s3
from trunkline.aws.clients import make_client
from trunkline.aws.errors import translate_errors
from trunkline.errors import TerminalError, TransientError, UsageError, printable

_PRIVATE_FOLDER: Final = 0o700
_PRIVATE_FILE: Final = 0o600
# Only here are unfinished objects of a folder lake, so that what a killed run leaves is found without a search.
_STAGING: Final = ".unfinished"
_COPY_BYTES: Final = 1024 * 1024
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Store(Protocol):
    """A lake's storage. A reader sees the old object or the new one, never a part.

    Every method raises TransientError where a retry may help (no room, throttling, no answer) and TerminalError where
    access is denied.
    """

    @property
    def url(self) -> str:
        """The lake's URL."""

    def put_file(self, source: Path, key: str) -> None:
        """Publish a local file and remove it; durable when this returns."""

    def put_bytes(self, data: bytes, key: str, is_private: bool = False) -> None:
        """Publish a small object. `is_private`: only the owner can read it, where the storage knows owners."""

    def get_bytes(self, key: str) -> bytes | None:
        """A whole object, None when there is none."""

    def require_bytes(self, key: str) -> bytes:
        """A whole object that must exist, such as one just listed. Raises TerminalError when there is none."""

    def list(self, prefix: str) -> Iterator[str]:
        """Keys below a prefix that ends in `/`, or all for an empty one; sorted. No part of a key begins with a dot."""

    def remove(self, key: str) -> None:
        """Remove an object; no error when there is none."""

    def fetch(self, key: str, folder: Path) -> Path:
        """A local path to read the object from: the object itself, or a copy in `folder`.

        Raises TerminalError when there is none.
        """

    def forget_unfinished(self) -> None:
        """Remove unfinished puts of a killed run. Only for the one process that writes here."""


@dataclass(frozen=True, slots=True)
class FolderStore:
    """A lake in a local folder. Files appear by rename, after their bytes are on disk."""

    root: Path
    url: str

    def put_file(self, source: Path, key: str) -> None:
        """Publish a local file by rename; from another file system it is copied first."""
        target = self.root / key
        with _translate_folder_errors(target):
            _make_folder(target.parent)
            staged = source
            if os.stat(source).st_dev != os.stat(target.parent).st_dev:
                staged = self._staging() / uuid4().hex
                shutil.copyfile(source, staged)
                source.unlink()
            with staged.open("rb") as file:
                os.fsync(file.fileno())
            staged.replace(target)
            _sync_folder(target.parent)

    def put_bytes(self, data: bytes, key: str, is_private: bool = False) -> None:
        """Publish a small object by rename."""
        target = self.root / key
        with _translate_folder_errors(target):
            _make_folder(target.parent, _PRIVATE_FOLDER if is_private else 0o777)
            staged = self._staging() / uuid4().hex
            mode = _PRIVATE_FILE if is_private else 0o666
            with os.fdopen(os.open(staged, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            staged.replace(target)
            _sync_folder(target.parent)

    def get_bytes(self, key: str) -> bytes | None:
        """A whole object, None when there is none."""
        try:
            with _translate_folder_errors(self.root / key):
                return (self.root / key).read_bytes()
        except FileNotFoundError:
            return None

    def require_bytes(self, key: str) -> bytes:
        """A whole object that must exist. Raises TerminalError when there is none."""
        data = self.get_bytes(key)
        if data is None:
            raise _lost(self.root / key)
        return data

    def list(self, prefix: str) -> Iterator[str]:
        """Keys below a prefix, sorted as S3 sorts them."""
        keys: list[str] = []
        for folder, folders, files in os.walk(self.root / prefix):
            folders[:] = [name for name in folders if not name.startswith(".")]
            keys += [os.path.relpath(os.path.join(folder, name), self.root) for name in files if name[0] != "."]
        yield from sorted(keys)

    def remove(self, key: str) -> None:
        """Remove an object."""
        with _translate_folder_errors(self.root / key):
            (self.root / key).unlink(missing_ok=True)

    def fetch(self, key: str, folder: Path) -> Path:
        """The object itself: it is local already. Raises TerminalError when there is none."""
        path = self.root / key
        if not path.is_file():
            raise _lost(path)
        return path

    def forget_unfinished(self) -> None:
        """Remove the staging folder."""
        shutil.rmtree(self.root / _STAGING, ignore_errors=True)

    def _staging(self) -> Path:
        folder = self.root / _STAGING
        folder.mkdir(exist_ok=True, mode=_PRIVATE_FOLDER)
        return folder


@dataclass(frozen=True, slots=True)
class BucketStore:
    """A lake below a prefix of an S3 bucket, through boto3 alone. `prefix` is empty or ends in `/`."""

    client: Any
    bucket: str
    prefix: str
    url: str

    def put_file(self, source: Path, key: str) -> None:
        """Publish a local file with one put, then remove it. A large file is uploaded in parts that appear as one."""
        with self._translated(key):
            self.client.upload_file(str(source), self.bucket, self.prefix + key)
        source.unlink()

    def put_bytes(self, data: bytes, key: str, is_private: bool = False) -> None:
        """Publish a small object. Private objects are under a prefix of their own, for a policy of their own."""
        with self._translated(key):
            self.client.put_object(Bucket=self.bucket, Key=self.prefix + key, Body=data)

    def get_bytes(self, key: str) -> bytes | None:
        """A whole object, None when there is none."""
        with self._translated(key):
            try:
                body = self.client.get_object(Bucket=self.bucket, Key=self.prefix + key)["Body"]
            except self.client.exceptions.NoSuchKey:
                return None
            return bytes(body.read())

    def require_bytes(self, key: str) -> bytes:
        """A whole object that must exist. Raises TerminalError when there is none."""
        data = self.get_bytes(key)
        if data is None:
            raise _lost(self._url(key))
        return data

    def list(self, prefix: str) -> Iterator[str]:
        """Keys below a prefix, page by page; S3 lists in key order."""
        for listed in s3.listing(self.client, self.bucket, self.prefix + prefix):
            key = listed.key[len(self.prefix) :]
            # A console that makes a "folder" puts an empty object whose key ends in `/`.
            if key and key[-1] != "/" and not any(name.startswith(".") for name in key.split("/")):
                yield key

    def remove(self, key: str) -> None:
        """Remove an object."""
        with self._translated(key):
            self.client.delete_object(Bucket=self.bucket, Key=self.prefix + key)

    def fetch(self, key: str, folder: Path) -> Path:
        """A copy of the object as it is now. Raises TerminalError when there is none."""
        listed = s3.head(self.client, self._url(key))
        if listed is None:
            raise _lost(self._url(key))
        # A name for each version: an object that was put again is another file.
        version = hashlib.sha256(f"{key}\n{listed.version}".encode()).hexdigest()[:16]
        path = folder / f"{version}-{key.rpartition('/')[2]}"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f"{path.name}.{uuid4().hex}.part")
            body = s3.S3Raw(self.client, self._url(key), listed.version)
            with part.open("wb") as file:
                while data := body.read(_COPY_BYTES):
                    file.write(data)
            body.close()
            part.replace(path)
        return path

    def forget_unfinished(self) -> None:
        """Nothing: an object that was not put whole does not exist. Parts of uploads go by the bucket's own rule."""

    def _url(self, key: str) -> str:
        return f"s3://{self.bucket}/{self.prefix}{key}"

    def _translated(self, key: str) -> AbstractContextManager[None]:
        return translate_errors("s3", self._url(key))


def open_folder(url: str) -> FolderStore:
    """The store of a `file://` URL; makes the folder. Raises TerminalError where that fails."""
    root = Path(unquote(urlsplit(url).path))
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TerminalError(f"the lake folder {root} cannot be made: {error.strerror}; name another") from error
    return FolderStore(root, url)


def open_bucket(url: str) -> BucketStore:
    """The store of an `s3://bucket/prefix` URL. Nothing is asked yet."""
    parts = urlsplit(url)
    prefix = parts.path.strip("/")
    return BucketStore(make_client("s3"), parts.netloc, prefix + "/" if prefix else "", url)


STORES: Final[Mapping[str, Callable[[str], Store]]] = {"file": open_folder, "s3": open_bucket}
"""Each kind of lake by the scheme of its URL."""


def open_store(url: str) -> Store:
    """The store of a lake's URL. Raises UsageError for another scheme, or an S3 URL without a bucket."""
    parts = urlsplit(url)
    if parts.scheme not in STORES or (parts.scheme == "s3" and not parts.netloc):
        raise UsageError(f"{url!r} is not a lake's URL; valid are file:///folder and s3://bucket/prefix")
    return STORES[parts.scheme](url)


def _lost(place: Path | str) -> TerminalError:
    return TerminalError(
        f"{printable(str(place), 300)} does not exist, though the lake's records name it: another program removed it. "
        "Put it back from a backup or an earlier version, then run the same command again."
    )


@contextmanager
def _translate_folder_errors(path: Path) -> Iterator[None]:
    """Turn errors of the disk into ours; a file that does not exist stays FileNotFoundError."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise TransientError(
                f"there is no room to write {path} ({error.strerror}): make room and run the same command again."
            ) from error
        raise TerminalError(
            f"{path} cannot be accessed ({error.strerror}): the user of this process needs to read and write the lake."
        ) from error


def _make_folder(folder: Path, mode: int = 0o777) -> None:
    """Make a folder and those above it, durably, all with this mode: mkdir(parents=True) gives it to the last alone."""
    if folder.is_dir():
        return
    _make_folder(folder.parent, mode)
    folder.mkdir(exist_ok=True, mode=mode)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
