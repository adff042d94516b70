"""The Lambda functions' zips: the same bytes from the same files, only what functions reach, and a limit that holds."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tools import packages
from tools.packages import GROUPS, PLATFORMS, ROOT, Group, PackageError, build, source_files, wheel_files, write_zip

FILES = {"b/code.py": b"x = 1\n", "a.py": b"", "c/data.so": os.urandom(64)}


def wheel(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def test_a_zip_depends_on_its_files_alone(tmp_path: Path) -> None:
    """Not on their order, the time or the place; and one byte more is another zip."""
    first = write_zip(tmp_path / "one.zip", FILES)
    second = write_zip(tmp_path / "later" / "two.zip", dict(reversed(FILES.items())))
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "later" / "two.zip").read_bytes()
    assert first.sha256 == second.sha256
    assert first.unzipped_bytes == 6 + 64
    assert write_zip(tmp_path / "three.zip", FILES | {"a.py": b" "}).sha256 != first.sha256
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert archive.namelist() == sorted(FILES)
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o100644}


def test_only_what_functions_reach_is_packed(tmp_path: Path) -> None:
    """No command line, simulator, tests or bytecode; of botocore's models only those of services in use."""
    names = dict(source_files())
    assert "trunkline/handlers/event_processor.py" in names
    assert not [name for name in names if name.startswith(("trunkline/cli/", "trunkline/simulator/"))]
    files = {
        "botocore/client.py": b"", "botocore/data/s3/2006/service-2.json.gz": b"", "botocore/data/endpoints.json": b"",
        "botocore/data/ec2/2016/service-2.json.gz": b"", "x/tests/test_x.py": b"", "x/__pycache__/a.pyc": b"",
        "x-1.dist-info/RECORD": b"", "x-1.dist-info/METADATA": b"", "x/a.pyi": b"",
    }  # fmt: skip
    kept = {name for name, _ in wheel_files([wheel(tmp_path / "x.whl", files)], ["s3"])}
    assert kept == {
        "botocore/client.py", "botocore/data/s3/2006/service-2.json.gz", "botocore/data/endpoints.json",
        "x-1.dist-info/METADATA",
    }  # fmt: skip


def test_a_package_that_is_too_large_fails_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the largest files by name."""
    large = wheel(tmp_path / "large.whl", {"huge.so": b"0" * 2_000_000})
    monkeypatch.setattr(packages, "download", lambda *_: [large])
    with pytest.raises(PackageError, match=r"1 MB are allowed; the largest files: huge.so \(2.0 MB\)"):
        build(Group("tiny", "requirements/lambda-light.txt", 1), "arm64", "3.13", tmp_path / "out")


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_each_group_has_a_lock(group: Group) -> None:
    """With hashes, and without an engine in the light one."""
    text = Path(group.lock).read_text()
    assert "--hash=sha256:" in text
    assert ("duckdb==" in text) == (group.name == "full")
    assert set(PLATFORMS) == {"arm64", "x86_64"}


def test_own_objects_are_in_the_zip_of_functions_that_read_objects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of the command line; one without an object is wrong usage, and builds nothing."""
    declared = '[object.deal]\nkey = ["id"]\nversion = "at"\nevent_time = "at"\n'
    columns = '[object.deal.columns]\nid = {}\nat = { type = "timestamp" }\n'
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "objects.toml").write_text(declared + columns)
    monkeypatch.setattr(packages, "download", lambda *_: [])
    words = ["--architecture", "arm64", "--out", str(tmp_path / "out"), "--objects"]
    assert packages.main([*words, str(tmp_path / "home")]) == 0
    packed = {}
    for group in GROUPS:
        with zipfile.ZipFile(tmp_path / "out" / packages.zip_name(group.name, "arm64", "3.13")) as archive:
            packed[group.name] = "own_objects/objects.toml" in archive.namelist()
    assert packed == {"light": False, "full": True}
    assert packages.main([*words, str(tmp_path)]) == 2


def test_requirements_are_added_to_the_zip_of_functions_that_read_objects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the limit that Lambda has in place of ours; the lock of the sources' clients has hashes."""
    lock = ROOT / "requirements" / "lambda-sources.txt"
    assert "--hash=sha256:" in lock.read_text()
    added = wheel(tmp_path / "added.whl", {"added.so": b"0"})

    def download(locks: Sequence[Path], *_: object) -> list[Path]:
        return [added] if lock in locks else []

    monkeypatch.setattr(packages, "download", download)
    monkeypatch.setattr(
        packages, "GROUPS", [replace(group, unzipped_mb_max=0) for group in GROUPS if group.has_objects]
    )
    words = ["--architecture", "arm64", "--out", str(tmp_path / "out")]
    assert packages.main(words) == 1
    assert packages.main([*words, "--requirements", str(lock)]) == 0
    with zipfile.ZipFile(tmp_path / "out" / "full-arm64-py313.zip") as archive:
        assert "added.so" in archive.namelist()
