"""Which file is the release: the same one every time, and said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trunkline.errors import TerminalError, UsageError
from trunkline.releases.find import choose, find

NAMES = ["Rel10.txt", "Rel2.txt", "Rel9.txt", "Rel2.txt.bak", "Rel1.TXT", "Rel", "Release-notes.md", "rel0.txt", "old/Rel0.txt",
         "Rel1/Rel3.txt", "Rel2.txt.state.json", "ARel.txt"]  # fmt: skip


def put(place: str, s3: Any, tmp_path: Path) -> str:
    """The same names on disk or in S3; the place's address."""
    for name in NAMES:
        if place == "s3":
            s3.put_object(Bucket="daab-lab-jfr-datalake", Key=f"Redshift/{name}", Body=name.encode())
        else:
            path = tmp_path / "Redshift" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
    return "s3://daab-lab-jfr-datalake/Redshift/" if place == "s3" else str(tmp_path / "Redshift") + "/"


@pytest.mark.parametrize("place", ["s3", "disk"])
def test_first_by_key_with_a_warning_or_latest_in_natural_order(place: str, s3: Any, tmp_path: Path) -> None:
    """`.txt` only, nothing from folders below; a prefix, a folder, a file."""
    at = put(place, s3, tmp_path)
    for asked in (at, at + "Rel"):
        found = find(asked, "first", s3)
        assert (found.uri, found.data) == (at + "Rel10.txt", b"Rel10.txt")
        (warning,) = found.warnings
        assert "3 files match" in warning
        assert "Rel2.txt, Rel9.txt" in warning
        found = find(asked, "latest", s3)
        assert (found.uri, found.warnings) == (at + "Rel10.txt", ())
    assert find(at + "Rel2", "first", s3).uri == at + "Rel2.txt"
    assert find(at + "Rel9.txt", "first", s3).data == b"Rel9.txt"


@pytest.mark.parametrize(
    ("names", "first", "latest"),
    [
        (["Rel2", "Rel10", "Rel9"], "Rel10", "Rel10"),
        (["Rel9", "Rel11", "Rel9b"], "Rel11", "Rel11"),
        (["Rel1.2", "Rel1.10"], "Rel1.10", "Rel1.10"),
        (["Rel", "Rel1"], "Rel", "Rel1"),
        (["Rel01", "Rel1"], "Rel01", "Rel1"),
        (["Rel-2026-02-01", "Rel-2026-01-31"], "Rel-2026-01-31", "Rel-2026-02-01"),
        (["Rel\u00e9", "Relz"], "Relz", "Rel\u00e9"),
    ],
)
def test_the_order_does_not_depend_on_the_listing(names: list[str], first: str, latest: str) -> None:
    """In any order of the names."""
    files = [name + ".txt" for name in names]
    for listed in (files, files[::-1]):
        assert choose(listed, "first") == first + ".txt"
        assert choose(listed, "latest") == latest + ".txt"


def test_every_page_is_read(s3: Any) -> None:
    """A thousand keys that do not match come before the one that does."""
    s3.meta.events.register("provide-client-params.s3.ListObjectsV2", lambda params, **_: {**params, "MaxKeys": 7})
    for n in range(30):
        s3.put_object(Bucket="daab-lab-jfr-datalake", Key=f"Redshift/Rel-{n:03}.log", Body=b"")
    s3.put_object(Bucket="daab-lab-jfr-datalake", Key="Redshift/Rel9.txt", Body=b"a()")
    assert find("s3://daab-lab-jfr-datalake/Redshift/Rel", "first", s3).data == b"a()"


def test_a_missing_release_says_what_to_do(s3: Any, tmp_path: Path) -> None:
    """No match, no file, no bucket, no name: the caller's errors; files that are too large or unreadable are not read."""
    for place in ("s3://daab-lab-jfr-datalake/Redshift/Rel", "s3://daab-lab-jfr-datalake/Rel1.txt", "s3://gone-bucket/Rel",
                  str(tmp_path), str(tmp_path / "Rel1.txt"), str(tmp_path / "no" / "Rel")):  # fmt: skip
        with pytest.raises(UsageError, match="no release file|does not exist"):
            find(place, "first", s3)
    for place in ("s3://", "", "a\0b", "s3://UP_per!/Rel"):
        with pytest.raises(UsageError):
            find(place, "first", s3)
    with pytest.raises(UsageError, match="valid are first and latest"):
        find(str(tmp_path), "newest", s3)  # type: ignore[arg-type]
    (tmp_path / "Rel1.txt").write_bytes(b" " * 262_145)
    s3.put_object(Bucket="daab-lab-jfr-datalake", Key="Rel1.txt", Body=b" " * 262_145)
    for place in (str(tmp_path), "s3://daab-lab-jfr-datalake/Rel1.txt"):
        with pytest.raises(TerminalError, match="at most 262,144"):
            find(place, "first", s3)
