"""A folder lake: objects appear whole, what was begun lies in one place, and that place can be emptied."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from trunkline.lake.store import FolderStore, open_store


def test_an_object_appears_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A put that stops before the rename leaves the old object at its key, and nothing that is listed."""
    store = open_store(f"file://{tmp_path}/lake")
    assert isinstance(store, FolderStore)
    store.put_bytes(b"old", "a/b/c")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", stop)
        with pytest.raises(KeyboardInterrupt):
            store.put_bytes(b"new", "a/b/c")
    assert store.get_bytes("a/b/c") == b"old"
    assert list(store.list("")) == ["a/b/c"]
    left = [path for path in (tmp_path / "lake").rglob("*") if path.is_file()]
    assert len(left) == 2
    store.forget_unfinished()
    assert [path for path in (tmp_path / "lake").rglob("*") if path.is_file()] == [tmp_path / "lake" / "a/b/c"]


def test_a_file_from_another_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a rename is impossible, the bytes are copied first, and only then is the source removed."""
    store = open_store(f"file://{tmp_path}/lake")
    source = tmp_path / "source"
    source.write_bytes(b"rows")
    real = os.stat

    def elsewhere(path: Path, **more: bool) -> os.stat_result:
        found = list(real(path, **more))
        return os.stat_result([*found[:2], -1, *found[3:]] if path == source else found)

    monkeypatch.setattr(os, "stat", elsewhere)
    store.put_file(source, "t/rows.parquet")
    monkeypatch.undo()
    assert store.get_bytes("t/rows.parquet") == b"rows"
    assert not source.exists()
    assert list((tmp_path / "lake" / ".unfinished").iterdir()) == []
