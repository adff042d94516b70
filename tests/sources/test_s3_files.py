"""Local files become batches that can be read again; nothing is read twice and nothing is left out silently."""

from __future__ import annotations

import gzip
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.errors import SourceChangedError, TerminalError, UsageError
from trunkline.positions import Progress
from trunkline.records import Framed
from trunkline.sources.files.reader import list_files, read_batches, reread

RECORDS = [json.dumps({"ContactId": str(n), "pad": "x" * (n % 90)}) for n in range(400)]


def load(path: Path, batch_bytes: int = 1 << 25, done: dict[tuple[str, str], Progress] | None = None) -> list[Framed]:
    """All batches of a path; each is read again and must be equal."""
    batches = list(read_batches(list_files([str(path)]), done or {}, "contact_record", batch_bytes))
    for one in batches:
        assert reread(one.plan) == one
    return batches


def texts(batches: list[Framed]) -> list[str]:
    return [text for one in batches for text in one.texts]


def progress(batches: list[Framed]) -> dict[tuple[str, str], Progress]:
    return {(r.uri, r.version): Progress(r.end, r.is_last) for one in batches for r in one.plan.ranges}


def test_names_become_files_once_and_in_order(tmp_path: Path) -> None:
    """Files, globs, folders and links; names with . and _ left out of folders; version and arrival told."""
    for name in ("b/2.json", "b/1.json", "b/_tmp/x.json", "b/.x", "b/c/3.json", "_own.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
    (tmp_path / "link").symlink_to(tmp_path / "b")
    (tmp_path / "b" / "loop").symlink_to(tmp_path / "b")
    found = list_files([str(tmp_path / one) for one in ("link", "b", "b/*.json", "b/1.json", "**/3.json", "_own.json")])
    assert [one.uri for one in found] == [
        str(tmp_path / one) for one in ("_own.json", "b/1.json", "b/2.json", "b/c/3.json")
    ]
    seen = (tmp_path / "_own.json").stat()
    assert (found[0].version, found[0].size_bytes) == (f"2-{seen.st_mtime_ns}", 2)
    assert found[0].arrived_at == datetime.fromtimestamp(seen.st_mtime, UTC).replace(tzinfo=None)


def test_what_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    """A wrong name is the caller's error, an empty folder none, an unreadable thing is told with its cure."""
    with pytest.raises(UsageError, match="does not exist: name a file"):
        list_files([str(tmp_path / "none.json")])
    with pytest.raises(UsageError, match="no file matches"):
        list_files([str(tmp_path / "*.json")])
    with pytest.raises(UsageError, match="not a regular file"):
        list_files(["/dev/null"])
    for odd in ("", "a\0b", "a\0*"):
        with pytest.raises(UsageError):
            list_files([odd])
    assert list_files([str(tmp_path)]) == []
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    with pytest.raises(TerminalError, match="cannot be read"):
        list_files([str(tmp_path)])
    assert list(read_batches([], {}, "contact_record")) == []


def test_a_file_of_which_nothing_comes_is_complete_all_the_same(tmp_path: Path) -> None:
    """Empty files and files of white space have a range, so that they are not read again."""
    (tmp_path / "a").write_bytes(b"")
    (tmp_path / "b").write_bytes(b" \n")
    (one,) = load(tmp_path)
    assert [(r.start, r.end, r.is_last) for r in one.plan.ranges] == [(0, 0, True), (0, 2, True)]
    assert one.read == 0
    assert load(tmp_path, done=progress([one])) == []


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("batch_bytes", [1, 300, 5_000, 1 << 25])
def test_batches_are_cut_between_records_and_resumed(tmp_path: Path, pack: object, batch_bytes: int) -> None:
    """Many files and batches give the records of one; stopped after any batch, the rest follows, each once."""
    assert callable(pack)
    (tmp_path / "1").write_bytes(pack("".join(RECORDS[:200]).encode()))
    (tmp_path / "2").write_bytes(pack(("[" + ",\n".join(RECORDS[200:390]) + "]").encode()))
    (tmp_path / "3").write_bytes(pack("\n".join(RECORDS[390:]).encode()))
    batches = load(tmp_path, batch_bytes)
    assert texts(batches) == RECORDS
    assert not [one for batch in batches for one in batch.broken]
    assert len({one.plan.batch_id for one in batches}) == len(batches)
    if batch_bytes > 1:
        assert max(one.bytes_read for one in batches) < 2 * batch_bytes + 200
    for stop in range(0, len(batches), max(len(batches) // 4, 1)):
        rest = load(tmp_path, batch_bytes, progress(batches[:stop]))
        assert texts(rest) == texts(batches[stop:])
        assert sum(one.bytes_read for one in rest) == sum(one.bytes_read for one in batches[stop:])
    assert load(tmp_path, batch_bytes, progress(batches)) == []


def test_offsets_are_those_of_the_decoded_file(tmp_path: Path) -> None:
    """offsets[i] of ranges[range_indexes[i]] is the record's first byte."""
    contents = {"1": "".join(RECORDS[:50]), "2": "\ufeff" + "\n ".join(RECORDS[50:100])}
    for name, text in contents.items():
        (tmp_path / name).write_bytes(gzip.compress(text.encode()) if name == "1" else text.encode())
    for one in load(tmp_path, 700):
        for text, which, at in zip(one.texts, one.range_indexes, one.offsets, strict=True):
            place = one.plan.ranges[which]
            assert place.start <= at < place.end
            assert contents[Path(place.uri).name].encode()[at : at + len(text)] == text.encode()


def test_a_changed_file_is_a_new_version_and_its_plan_is_void(tmp_path: Path) -> None:
    """A version's progress says nothing about the next; an old plan raises instead of giving other records."""
    file = tmp_path / "1"
    file.write_text("".join(RECORDS[:3]))
    listed = list_files([str(file)])
    (one,) = read_batches(listed, {}, "contact_record")
    file.write_text("".join(RECORDS[:5]))
    with pytest.raises(SourceChangedError, match="no longer the version"):
        reread(one.plan)
    (again,) = read_batches(listed, progress([one]), "contact_record")
    assert list(again.texts) == RECORDS[:5]
    file.unlink()
    with pytest.raises(SourceChangedError, match="run the same command again"):
        reread(again.plan)


def test_a_file_written_to_while_it_is_read_stops(tmp_path: Path) -> None:
    """What was read may be a mixture, so the batch is not handed over."""
    file = tmp_path / "1"
    file.write_text("".join(RECORDS))
    batches = read_batches(list_files([str(file)]), {}, "contact_record", 1_000)
    next(batches)
    file.write_text("".join(reversed(RECORDS)))
    os.utime(file, (1, 1))
    with pytest.raises(SourceChangedError):
        next(batches)


def test_gzip_cut_at_every_byte_is_never_silent(tmp_path: Path) -> None:
    """The records before the cut, and one span for the damage, whichever byte is the last."""
    file = tmp_path / "1.gz"
    whole = gzip.compress("".join(RECORDS[:12]).encode(), mtime=0)
    for cut in range(1, len(whole)):
        file.write_bytes(whole[:cut])
        (one,) = load(file)
        assert list(one.texts) == RECORDS[: len(one.texts)]
        assert [span.reason for span in one.broken] == ["corrupt_compression" if cut > 1 else "invalid_json"]
    assert len(one.texts) == 12


def test_many_tiny_things_do_not_fill_memory(tmp_path: Path) -> None:
    """A batch ends by count where records are tiny."""
    (tmp_path / "1").write_bytes(b"1 " * 40_000)
    batches = load(tmp_path, 100_000)
    assert sum(one.read for one in batches) == 40_000
    assert max(one.read for one in batches) < 30_000


LINE = st.sampled_from(
    [*RECORDS[:4], '{"bad":}', "[1,", '{"ContactId":"t', '[{"ContactId":"x"},', "7", "]", ",", "é\n  }"]
)


@given(st.lists(LINE, max_size=25), st.sampled_from(["", "\n"]), st.integers(1, 120))
@settings(max_examples=150, deadline=None)
def test_any_damage_in_any_batches_is_found_alike(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], gap: str, size: int
) -> None:
    """Records, spans and positions are the same for every batch size, and every batch can be read again."""
    folder = tmp_path_factory.mktemp("soup")
    (folder / "1").write_text(gap.join(lines))
    found = []
    for batch_bytes in (size, 1 << 25):
        batches = load(folder, batch_bytes)
        assert sum(one.bytes_read for one in batches) == (folder / "1").stat().st_size
        spans = [(s.offset, s.payload, s.length, s.reason, s.detail) for one in batches for s in one.broken]
        found.append((texts(batches), [at for one in batches for at in one.offsets], spans))
    assert found[0] == found[1]
