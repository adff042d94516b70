"""`python -m tools.servers`: real servers for the tests, fetched without root into `.servers/` of the checkout.

InfluxDB, VictoriaMetrics and promtool are packages of Debian and Ubuntu, which apt fetches and verifies; kinesis-local
comes from npm and is verified by its hash. Tests look on PATH first, then here. A part that is there is not fetched
again. `--once` gives up for good after one attempt that failed, so that `make test` does not wait each time.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parents[1] / ".servers"
PROGRAMS: Final[Mapping[str, str]] = {
    "influxd": "influxdb",
    "victoria-metrics": "victoria-metrics",
    "promtool": "prometheus",
}
"""Debian's package of each program."""
KINESIS_PACKAGE: Final = "kinesis-local@0.6.2"
KINESIS_SHA512: Final = "mFlmksPMQP/A3nT22N2E8WzUbJcbEdxkCnhNCx2lHj20CW4vzuVH8zn5ByRg5LS5es8tvnx2mY1DpbZ5kw9PPQ=="
_SECONDS_DEFAULT: Final = 300.0


class UnavailableError(Exception):
    """A server cannot be fetched here; the text says why."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """When every command must have ended, by the monotonic clock."""

    at_s: float

    def run(self, *command: str, folder: Path) -> None:
        """Run a command in a folder. Raises UnavailableError where it is missing, fails or takes too long."""
        program = shutil.which(command[0])
        if program is None:
            raise UnavailableError(f"there is no {command[0]}")
        left_s = self.at_s - time.monotonic()
        try:
            subprocess.run(
                [program, *command[1:]], cwd=folder, check=True, capture_output=True, text=True, timeout=max(left_s, 0)
            )
        except subprocess.TimeoutExpired:
            raise UnavailableError(f"{command[0]} took too long") from None
        except subprocess.CalledProcessError as error:
            lines = error.stderr.strip().splitlines() or [f"exit code {error.returncode}"]
            raise UnavailableError(f"{command[0]}: {lines[-1]}") from error


def program_path(name: str, folder: Path = FOLDER) -> str | None:
    """Where a program of PROGRAMS is: on PATH, else fetched; None where it is neither."""
    fetched = folder / PROGRAMS[name] / "usr" / "bin" / name
    return shutil.which(name) or (str(fetched) if fetched.exists() else None)


def kinesis_path(folder: Path = FOLDER) -> Path | None:
    """The folder of kinesis-local with its `main.js`; None where it was not fetched or there is no node."""
    fetched = folder / "kinesis-local"
    return fetched if shutil.which("node") and (fetched / "main.js").exists() else None


def missing(name: str) -> str:
    """Why a test of a server skips, and what to do."""
    return f"there is no {name}: run `make servers`"


def fetch_debian(package: str, folder: Path, deadline: Deadline) -> None:
    """Unpack a package of the distribution. Its lists are fetched too where those of the machine are missing or old."""
    with_lists = ("-o", f"Dir::State::lists={folder}/lists", "-o", f"Dir::Cache={folder}/cache")
    downloads = folder / "downloads"
    for part in (downloads, folder / "lists" / "partial", folder / "cache" / "archives" / "partial"):
        part.mkdir(parents=True, exist_ok=True)
    try:
        deadline.run("apt-get", "download", package, folder=downloads)
    except UnavailableError:
        deadline.run("apt-get", *with_lists, "update", folder=downloads)
        deadline.run("apt-get", *with_lists, "download", package, folder=downloads)
    for archive in downloads.glob(f"{package}_*.deb"):
        deadline.run("dpkg", "-x", str(archive), str(downloads / package), folder=folder)
        shutil.rmtree(folder / package, ignore_errors=True)
        (downloads / package).replace(folder / package)
        archive.unlink()


def fetch_kinesis(folder: Path, deadline: Deadline) -> None:
    """Unpack kinesis-local. Raises UnavailableError where the package is not the one whose hash is known."""
    downloads = folder / "downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    deadline.run("npm", "pack", "--silent", KINESIS_PACKAGE, folder=downloads)
    (archive,) = downloads.glob("kinesis-local-*.tgz")
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if digest != KINESIS_SHA512:
        archive.unlink()
        raise UnavailableError(f"{KINESIS_PACKAGE} has the SHA-512 {digest}, not {KINESIS_SHA512}")
    with tarfile.open(archive) as packed:
        packed.extractall(downloads, filter="data")
    shutil.rmtree(folder / "kinesis-local", ignore_errors=True)
    (downloads / "package").replace(folder / "kinesis-local")
    archive.unlink()


def fetch_all(folder: Path, deadline: Deadline) -> dict[str, str]:
    """Fetch what is not there yet; why not, by the name of each server that cannot be had."""
    refused: dict[str, str] = {}

    def attempt(name: str, fetch: Callable[[], None]) -> None:
        try:
            fetch()
        except (UnavailableError, OSError) as error:
            refused[name] = str(error)

    for program, package in PROGRAMS.items():
        if program_path(program, folder) is None:
            attempt(program, lambda package=package: fetch_debian(package, folder, deadline))  # type: ignore[misc]
    if kinesis_path(folder) is None:
        attempt("kinesis-local", lambda: fetch_kinesis(folder, deadline))
    return refused


def main(arguments: list[str] | None = None, folder: Path = FOLDER) -> int:
    """Fetch; 0 where everything is there, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tools.servers", description=__doc__)
    parser.add_argument("--once", action="store_true", help="do nothing if an earlier attempt failed")
    parser.add_argument("--seconds", type=float, default=_SECONDS_DEFAULT, help="give up after this time")
    options = parser.parse_args(arguments)
    failed = folder / "failed.txt"
    if options.once and failed.exists():
        return 1
    refused = fetch_all(folder, Deadline(time.monotonic() + options.seconds))
    lines = [f"{name} cannot be fetched: {reason}\n" for name, reason in refused.items()]
    sys.stderr.writelines(lines)
    if not lines:
        failed.unlink(missing_ok=True)
        return 0
    folder.mkdir(parents=True, exist_ok=True)
    failed.write_text("".join(lines))
    return 1


if __name__ == "__main__":
    sys.exit(main())
