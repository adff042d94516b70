"""What holds of every kind of lake storage. A kind that is missing from MAKERS fails the suite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from s3 import bucket

from trunkline.aws.errors import RefusedError
from trunkline.errors import TerminalError, TransientError, UsageError
from trunkline.lake.store import STORES, BucketStore, FolderStore, Store, open_store
from trunkline.urls import LAKE_URLS

HARD_KEYS = ["t/a b", "t/it's.parquet", "t/100%.json", "t/a%2Fb", "t/a#1", "t/ü日本.json", "t/a+b=c&d", "t/~_-.json"]


@dataclass
class Kind:
    """A store under test, what makes its calls fail, and how many threads the stand-in for its service bears."""

    store: Store
    denied: Callable[[], AbstractContextManager[None]]
    is_unfinished: Callable[[], bool]
    begin_put: Callable[[str], None]
    threads: int


@contextmanager
def folder_kind(path: Path) -> Iterator[Kind]:
    """A lake in a folder."""
    store = open_store(f"file://{path}/lake")
    assert isinstance(store, FolderStore)

    @contextmanager
    def denied() -> Iterator[None]:
        # Permissions do not bind the superuser, whom tests may run as.
        with pytest.MonkeyPatch.context() as patch:

            def refuse(*_: object) -> None:
                raise PermissionError(13, "Permission denied")

            patch.setattr(Path, "replace", refuse)
            yield

    def begin_put(key: str) -> None:
        def stop(*_: object) -> None:
            raise KeyboardInterrupt

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Path, "replace", stop)
            with pytest.raises(KeyboardInterrupt):
                store.put_bytes(b"unfinished", key)

    yield Kind(store, denied, lambda: any(p.is_file() for p in (store.root / ".unfinished").glob("*")), begin_put, 6)


@contextmanager
def bucket_kind(path: Path) -> Iterator[Kind]:
    """A lake below a prefix of a bucket that has other objects too."""
    with bucket("firm") as client:
        for key in ("the/lake", "the/lake/", "the/lakes/x", "z"):
            client.put_object(Bucket="firm", Key=key, Body=b"other")
        store = open_store("s3://firm/the/lake")
        assert isinstance(store, BucketStore)

        @contextmanager
        def denied() -> Iterator[None]:
            def refuse(**_: Any) -> Any:
                return _Answer(403), {
                    "Error": {"Code": "AccessDenied", "Message": "Access Denied"},
                    "ResponseMetadata": {"HTTPStatusCode": 403},
                }

            store.client.meta.events.register("before-call.s3", refuse)
            yield
            store.client.meta.events.unregister("before-call.s3", refuse)

        def begin_put(key: str) -> None:
            store.client.create_multipart_upload(Bucket="firm", Key=store.prefix + key)

        # The bucket's own rule removes the parts of an upload, which are no object meanwhile. moto closes an object's
        # bytes when it is put again while another thread reads it.
        yield Kind(store, denied, lambda: False, begin_put, 1)


@dataclass
class _Answer:
    status_code: int


MAKERS = {"file": folder_kind, "s3": bucket_kind}


@pytest.fixture(params=MAKERS)
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kind]:
    """Each kind of lake, empty."""
    with MAKERS[request.param](tmp_path) as made:
        yield made


def file(folder: Path, data: bytes) -> Path:
    path = folder / "source"
    path.write_bytes(data)
    return path


def test_every_kind_of_store_is_in_this_suite() -> None:
    """Those that can be opened, those that settings allow, those that are tested."""
    assert set(MAKERS) == set(STORES) == set(LAKE_URLS)
    for url in ("http://x/y", "s3://", "lake"):
        with pytest.raises(UsageError, match="valid are file:///folder and s3://bucket/prefix"):
            open_store(url)


def test_what_is_put_can_be_read(kind: Kind, tmp_path: Path) -> None:
    """Small objects and files, whole, empty ones too; a file is moved; the last put wins."""
    store = kind.store
    source = file(tmp_path, b"rows" * 100_000)
    store.put_file(source, "t/d=1/rows.parquet")
    assert not source.exists()
    store.put_bytes(b"", "t/empty")
    store.put_bytes(b"old", "t/small")
    store.put_bytes(b"new", "t/small")
    store.put_file(file(tmp_path, b"newest"), "t/small")
    assert store.get_bytes("t/d=1/rows.parquet") == b"rows" * 100_000
    assert (store.get_bytes("t/empty"), store.require_bytes("t/small")) == (b"", b"newest")
    fetched = store.fetch("t/d=1/rows.parquet", tmp_path / "copies")
    assert fetched.read_bytes() == b"rows" * 100_000
    assert fetched.as_posix().endswith("rows.parquet")


def test_keys_are_listed_in_order(kind: Kind) -> None:
    """Below a prefix and of the whole lake, in the order of UTF-8 bytes; a neighbour's keys are not listed."""
    keys = ["b/1", "a/10", "a/9", "a/Z", "a/ü", "ab/1", "a/sub/deep/1"]
    for key in keys:
        kind.store.put_bytes(b"x", key)
    assert list(kind.store.list("")) == sorted(keys, key=str.encode) == sorted(keys)
    assert list(kind.store.list("a/")) == sorted(key for key in keys if key.startswith("a/"))
    assert list(kind.store.list("none/")) == []


def test_names_that_begin_with_a_dot_are_no_keys(kind: Kind) -> None:
    """What other programs leave (.DS_Store, .crc) is not taken for rows."""
    kind.store.put_bytes(b"x", "a/.hidden")
    kind.store.put_bytes(b"x", "a/.folder/x")
    assert list(kind.store.list("")) == []


@pytest.mark.parametrize("key", HARD_KEYS)
def test_any_name_is_a_key(kind: Kind, key: str, tmp_path: Path) -> None:
    """Put, listed, read, fetched and removed under the same name."""
    kind.store.put_bytes(b"x", key)
    assert list(kind.store.list("t/")) == [key]
    assert kind.store.get_bytes(key) == b"x"
    assert kind.store.fetch(key, tmp_path / "copies").read_bytes() == b"x"
    kind.store.remove(key)
    assert list(kind.store.list("t/")) == []


def test_what_does_not_exist(kind: Kind, tmp_path: Path) -> None:
    """Not read, removed without an error; required, it is an error that says what to do."""
    assert kind.store.get_bytes("t/none") is None
    kind.store.remove("t/none")
    with pytest.raises(TerminalError, match="t/none does not exist, though the lake's records name it.*backup"):
        kind.store.require_bytes("t/none")
    with pytest.raises(TerminalError, match="t/none does not exist"):
        kind.store.fetch("t/none", tmp_path / "copies")


def test_copies_are_of_the_object_as_it_is(kind: Kind, tmp_path: Path) -> None:
    """An object that was put again is fetched again; keys that look alike have copies of their own."""
    copies = tmp_path / "copies"
    kind.store.put_bytes(b"old", "a/b_c")
    kind.store.put_bytes(b"other", "a_b/c")
    assert kind.store.fetch("a/b_c", copies).read_bytes() == b"old"
    assert kind.store.fetch("a_b/c", copies).read_bytes() == b"other"
    kind.store.put_bytes(b"new", "a/b_c")
    assert kind.store.fetch("a/b_c", copies).read_bytes() == b"new"


def test_an_unfinished_put_is_no_object(kind: Kind) -> None:
    """Stopped half way, a put leaves the old object, and nothing that is listed or stays."""
    kind.store.put_bytes(b"old", "a/b")
    for key in ("a/b", "a/c"):
        kind.begin_put(key)
    assert kind.store.get_bytes("a/b") == b"old"
    assert kind.store.get_bytes("a/c") is None
    assert list(kind.store.list("")) == ["a/b"]
    kind.store.forget_unfinished()
    assert not kind.is_unfinished()
    assert list(kind.store.list("")) == ["a/b"]


def test_puts_at_once_leave_one_of_them_whole(kind: Kind) -> None:
    """Threads that put the same key: a reader meanwhile sees one object whole."""
    values = [bytes([65 + number]) * 50_000 for number in range(6)]
    kind.store.put_bytes(values[0], "a/b")
    with ThreadPoolExecutor(kind.threads) as pool:
        puts = [pool.submit(kind.store.put_bytes, value, "a/b") for value in values * 3]
        reads = [pool.submit(kind.store.get_bytes, "a/b") for _ in range(20)]
        for put in puts:
            put.result()
        assert {read.result() for read in reads} <= set(values)
    assert kind.store.get_bytes("a/b") in values
    assert list(kind.store.list("")) == ["a/b"]


@pytest.mark.parametrize("is_file", [True, False])
def test_a_denied_put_says_what_it_needs(kind: Kind, is_file: bool, tmp_path: Path) -> None:
    """The key is named; no object appears, and the file that was to be put stays."""
    source = file(tmp_path, b"x")
    with kind.denied(), pytest.raises(TerminalError, match=r"lake/t/new") as caught:
        kind.store.put_file(source, "t/new") if is_file else kind.store.put_bytes(b"x", "t/new")
    if isinstance(kind.store, BucketStore):
        assert isinstance(caught.value, RefusedError)
        assert "s3:PutObject on s3://firm/the/lake/t/new" in str(caught.value)
    assert source.exists()
    assert kind.store.get_bytes("t/new") is None


def test_private_objects(kind: Kind) -> None:
    """A folder keeps them from other users; a bucket has no users, so a policy names their prefix."""
    kind.store.put_bytes(b"x", "private/a", is_private=True)
    kind.store.put_bytes(b"x", "public/a")
    assert kind.store.get_bytes("private/a") == b"x"
    if isinstance(kind.store, FolderStore):
        modes = [(kind.store.root / name).stat().st_mode & 0o777 for name in ("private", "private/a", "public/a")]
        assert modes[:2] == [0o700, 0o600]
        assert modes[2] & 0o400


def test_a_denied_listing_names_the_bucket(tmp_path: Path) -> None:
    """Reading, listing and removing need permissions of their own."""
    with bucket_kind(tmp_path) as kind:
        kind.store.put_bytes(b"x", "a/b")
        needed = {
            "s3:ListBucket on the bucket firm": lambda: list(kind.store.list("a/")),
            "s3:GetObject on s3://firm/the/lake/a/b": lambda: kind.store.get_bytes("a/b"),
            "s3:DeleteObject on s3://firm/the/lake/a/b": lambda: kind.store.remove("a/b"),
            "s3:GetObject on s3://firm/the/lake/a/b,": lambda: kind.store.fetch("a/b", tmp_path),
        }
        for said, call in needed.items():
            with kind.denied(), pytest.raises(RefusedError, match=said):
                call()


def test_a_full_disk_can_be_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No room is a matter of time, not of rights."""
    with folder_kind(tmp_path) as kind:

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.fsync", full)
        with pytest.raises(TransientError, match="no room to write .*/lake/a: .*No space left|make room"):
            kind.store.put_bytes(b"x", "a")
