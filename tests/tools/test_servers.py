"""`make servers`: what can be fetched is fetched once; what cannot is named, and nothing waits for it."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import tarfile
from pathlib import Path

import pytest

from tools import servers
from tools.servers import PROGRAMS, kinesis_path, main, program_path


def archive() -> bytes:
    """A package as npm packs it."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as packed:
        member = tarfile.TarInfo("package/main.js")
        member.size = 2
        packed.addfile(member, io.BytesIO(b"1;"))
    return content.getvalue()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with stand-ins of apt-get, dpkg, npm and node alone. They log their calls; a file `offline` fails them."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (tmp_path / "kinesis.tgz").write_bytes(archive())
    scripts = {
        "apt-get": 'case "$*" in *update*) exit 0;; esac\n: > "$(eval echo \\$$#)_1.0_amd64.deb"',
        "dpkg": f'mkdir -p "$3/usr/bin"\nfor n in {" ".join(PROGRAMS)}; do : > "$3/usr/bin/$n"; done',
        "npm": f'cat "{tmp_path}/kinesis.tgz" > kinesis-local-0.6.2.tgz',
        "node": "",
    }
    for name, script in scripts.items():
        fails = f'if [ -e "{tmp_path}/offline" ]; then echo "E: no network" >&2; exit 100; fi'
        (programs / name).write_text(f'#!/bin/sh\necho "{name} $*" >> "{tmp_path}/calls"\n{fails}\n{script}\n')
        (programs / name).chmod(0o755)
    for name in ("sh", "cat", "mkdir"):
        (programs / name).symlink_to(Path("/bin") / name)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr(servers, "KINESIS_SHA512", base64.b64encode(hashlib.sha512(archive()).digest()).decode())
    return tmp_path


def calls(machine: Path) -> list[str]:
    return (machine / "calls").read_text().splitlines() if (machine / "calls").exists() else []


def test_a_second_call_fetches_nothing(machine: Path) -> None:
    """Everything is there after one call."""
    folder = machine / "servers"
    assert main([], folder) == 0
    for name in PROGRAMS:
        path = program_path(name, folder)
        assert path is not None
        assert Path(path).exists()
    where = kinesis_path(folder)
    assert where is not None
    assert (where / "main.js").read_text() == "1;"
    before = calls(machine)
    assert main([], folder) == 0
    assert calls(machine) == before


def test_without_a_network_it_says_so_and_tries_once(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each server is named with the reason. `--once` leaves it at that; a later call without it succeeds."""
    folder = machine / "servers"
    (machine / "offline").touch()
    assert main(["--once"], folder) == 1
    said = capsys.readouterr().err
    assert all(f"{name} cannot be fetched: apt-get: E: no network" in said for name in PROGRAMS)
    assert "kinesis-local cannot be fetched: npm: E: no network" in said
    before = calls(machine)
    assert main(["--once"], folder) == 1
    assert calls(machine) == before
    (machine / "offline").unlink()
    assert main([], folder) == 0
    assert main(["--once"], folder) == 0


def test_another_package_under_the_same_name_is_refused(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The hash decides; nothing of it is unpacked."""
    (machine / "kinesis.tgz").write_bytes(archive() + b"x")
    assert main([], machine / "servers") == 1
    assert "has the SHA-512" in capsys.readouterr().err
    assert kinesis_path(machine / "servers") is None


def test_time_is_bounded(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No time left: each is named, and none is fetched."""
    assert main(["--seconds", "0"], machine / "servers") == 1
    assert capsys.readouterr().err.count("took too long") == len(PROGRAMS) + 1


def test_a_program_on_path_is_not_fetched(machine: Path) -> None:
    """What the machine has is used."""
    installed = machine / "programs" / "promtool"
    installed.write_text("#!/bin/sh\n")
    installed.chmod(0o755)
    assert main([], machine / "servers") == 0
    assert program_path("promtool", machine / "servers") == str(installed)
    assert not any("prometheus" in call for call in calls(machine))
    assert os.environ["PATH"] == str(machine / "programs")
