"""Where lake objects lie: a folder or a bucket. Keys are relative, with `/`; one put publishes one whole object."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote, urlsplit

from trunkline.aws import s3
from trunkline.aws.clients import make_client
from trunkline.aws.errors import translate_errors
from trunkline.errors import TerminalError, UsageError

if TYPE_CHECKING:
    from botocore.client import BaseClient

_PRIVATE_FOLDER = 0o700
# Unfinished objects of a folder lake lie here alone, so that what a killed run leaves is found without a search.
_STAGING = ".unfinished"


class Store(Protocol):
    """What a lake needs of its place. A reader sees the old object or the new one, never a part."""

    @property
    def url(self) -> str:
        """The lake's URL."""

    def put_file(self, source: Path, key: str) -> None:
        """Publish a local file and remove it; durable when this returns."""

    def put_bytes(self, data: bytes, key: str, is_private: bool = False) -> None:
        """Publish a small object. `is_private`: readable by the owner alone, where the place knows owners."""

    def get_bytes(self, key: str) -> bytes | None:
        """A whole object, None when there is none."""

    def list(self, prefix: str) -> Iterator[str]:
        """Keys below a prefix that ends in `/`, sorted."""

    def remove(self, key: str) -> None:
        """Remove an object; no error when there is none."""

    def fetch(self, key: str, folder: Path) -> Path:
        """A local path to read the object from: the object itself, or a copy in `folder`."""

    def forget_unfinished(self) -> None:
        """Remove what a killed run had begun to put. Only for the one process that writes here."""


@dataclass(frozen=True, slots=True)
class FolderStore:
    """A lake in a local folder. Files appear by rename, after their bytes are on disk."""

    root: Path
    url: str

    def put_file(self, source: Path, key: str) -> None:
        """Publish a local file; a rename within one file system, else a copy first."""
        target = self.root / key
        target.parent.mkdir(parents=True, exist_ok=True)
        staged = source
        if os.stat(source).st_dev != os.stat(target.parent).st_dev:
            staged = self._staging() / key.replace("/", "_")
            shutil.copyfile(source, staged)
            source.unlink()
        with staged.open("rb") as file:
            os.fsync(file.fileno())
        staged.replace(target)
        _sync_folder(target.parent)

    def put_bytes(self, data: bytes, key: str, is_private: bool = False) -> None:
        """Publish a small object by rename."""
        target = self.root / key
        self._make_folder(target.parent, _PRIVATE_FOLDER if is_private else 0o777)
        handle, name = tempfile.mkstemp(dir=self._staging())
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if not is_private:
            Path(name).chmod(0o666 & ~_umask())
        Path(name).replace(target)
        _sync_folder(target.parent)

    def get_bytes(self, key: str) -> bytes | None:
        """A whole object, None when there is none."""
        try:
            return (self.root / key).read_bytes()
        except FileNotFoundError:
            return None

    def list(self, prefix: str) -> Iterator[str]:
        """Keys below a prefix, sorted; unfinished files (they begin with a dot) are no objects."""
        top = self.root / prefix
        found: list[str] = []
        for folder, folders, files in os.walk(top):
            folders[:] = sorted(name for name in folders if name != _STAGING)
            found += [os.path.relpath(os.path.join(folder, f), self.root) for f in files if not f.startswith(".")]
        yield from sorted(found)

    def remove(self, key: str) -> None:
        """Remove an object."""
        (self.root / key).unlink(missing_ok=True)

    def fetch(self, key: str, folder: Path) -> Path:
        """The object itself: it is local already."""
        return self.root / key

    def forget_unfinished(self) -> None:
        """Remove the staging folder."""
        shutil.rmtree(self.root / _STAGING, ignore_errors=True)

    def _staging(self) -> Path:
        folder = self.root / _STAGING
        folder.mkdir(exist_ok=True, mode=_PRIVATE_FOLDER)
        return folder

    def _make_folder(self, folder: Path, mode: int) -> None:
        # mkdir(parents=True) would make the folders above with the default mode.
        if folder != self.root:
            self._make_folder(folder.parent, mode)
        folder.mkdir(exist_ok=True, mode=mode)


@dataclass(frozen=True, slots=True)
class BucketStore:
    """A lake below a prefix of an S3 bucket, through boto3 alone."""

    client: BaseClient
    bucket: str
    prefix: str
    url: str

    def put_file(self, source: Path, key: str) -> None:
        """Publish a local file with one put, then remove it."""
        with self._translated(key):
            self.client.upload_file(str(source), self.bucket, self.prefix + key)
        source.unlink()

    def put_bytes(self, data: bytes, key: str, is_private: bool = False) -> None:
        """Publish a small object. Private objects lie under their own prefix, for a policy of their own."""
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

    def list(self, prefix: str) -> Iterator[str]:
        """Keys below a prefix, page by page; S3 lists in key order."""
        for listed in s3.listing(self.client, self.bucket, self.prefix + prefix):
            yield listed.key[len(self.prefix) :]

    def remove(self, key: str) -> None:
        """Remove an object."""
        with self._translated(key):
            self.client.delete_object(Bucket=self.bucket, Key=self.prefix + key)

    def fetch(self, key: str, folder: Path) -> Path:
        """A copy of the object in `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / key.replace("/", "_")
        if not path.exists():
            part = path.with_suffix(".part")
            with self._translated(key):
                self.client.download_file(self.bucket, self.prefix + key, str(part))
            part.replace(path)
        return path

    def forget_unfinished(self) -> None:
        """Nothing: an object that was not put whole is not there. Parts of uploads go by the bucket's own rule."""

    def _translated(self, key: str) -> AbstractContextManager[None]:
        return translate_errors("s3", f"s3://{self.bucket}/{self.prefix}{key}")


def open_store(url: str) -> Store:
    """The store of a `file://` or `s3://bucket/prefix` URL. Raises UsageError for another scheme."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        root = Path(unquote(parts.path))
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TerminalError(f"the lake folder {root} cannot be made: {error.strerror}; name another") from error
        return FolderStore(root, url)
    if parts.scheme == "s3" and parts.netloc:
        prefix = parts.path.strip("/")
        return BucketStore(make_client("s3"), parts.netloc, prefix + "/" if prefix else "", url)
    raise UsageError(f"{url!r} is no lake; a lake is file:///folder or s3://bucket/prefix")


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
