"""`python -m tools.packages`: the zips of the Lambda functions, from locked wheels and the sources, for two processors.

A zip is reproducible: the same sources, locks and zlib give the same bytes, whatever the machine, time or user. Two
groups exist: `light` has no engine and starts fast; `full` has DuckDB, for functions that write to the lake. Each has a
limit on its unzipped size, and a build beyond it fails.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from trunkline.aws.clients import POLICIES
from trunkline.deploy.own_objects import packaged_files
from trunkline.errors import UsageError
from trunkline.limits import LAMBDA_UNZIPPED_MB_MAX

ROOT: Final = Path(__file__).parents[1]
MB: Final = 1_000_000
PLATFORMS: Final[Mapping[str, Sequence[str]]] = {
    # Amazon Linux 2023, which Lambda's Python 3.12 and later run on, has glibc 2.34; 3.11 has 2.26.
    "arm64": ("manylinux_2_17_aarch64", "manylinux2014_aarch64", "manylinux_2_26_aarch64", "manylinux_2_28_aarch64"),
    "x86_64": ("manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux_2_26_x86_64", "manylinux_2_28_x86_64"),
}
PYTHON_DEFAULT: Final = "3.13"
_TIME: Final = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can hold
# Parts of the package that no function reaches; the import contract keeps it so.
_UNUSED_PARTS: Final = ("trunkline/cli/", "trunkline/simulator/", "trunkline/serve/wallboard/")
_UNUSED: Final = re.compile(
    r"(?:^|/)(?:__pycache__|tests?)/|\.py[icx]$|\.(?:c|h|pxd|typed)$|\.data/|\.dist-info/(?:RECORD|WHEEL|INSTALLER)$"
    # The second implementation of zstandard, which only PyPy uses, has 11 MB.
    r"|^zstandard/_cffi\.|^boto3/examples/"
)
_MODEL: Final = re.compile(r"^botocore/data/([^/]+)/")


@dataclass(frozen=True, slots=True)
class Group:
    """Functions that share a zip: what is locked for them and how large it may be unzipped.

    `has_objects`: they read objects, the user's own among them.
    """

    name: str
    lock: str
    unzipped_mb_max: int
    has_objects: bool = False


@dataclass(frozen=True, slots=True)
class Additions:
    """What an installation adds to the zip of functions that read objects: files by path, and locked requirements."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    locks: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Package:
    """One zip as it was written. `sha256` is in base64, as Lambda and Terraform compare it."""

    name: str
    sha256: str
    zipped_bytes: int
    unzipped_bytes: int


GROUPS: Final = (
    Group("light", "requirements/lambda-light.txt", 40),
    Group("full", "requirements/lambda-full.txt", 120, has_objects=True),
)


class PackageError(RuntimeError):
    """A package that cannot be built, with what to do about it."""


def download(locks: Sequence[Path], architecture: str, python: str, folder: Path) -> list[Path]:
    """The locked wheels for one processor, in `folder`. Raises PackageError where pip finds none."""
    tag = "cp" + python.replace(".", "")
    words = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    words += ["--only-binary=:all:", "--require-hashes", "--implementation", "cp", "--python-version", python]
    words += ["--abi", tag, "--abi", "abi3", "--abi", "none"]
    for platform in PLATFORMS[architecture]:
        words += ["--platform", platform]
    for lock in locks:
        words += ["-r", str(lock)]
    done = subprocess.run([*words, "-d", str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        named = ", ".join(map(str, locks))
        raise PackageError(f"no wheels of {named} for {architecture}, Python {python}:\n{done.stderr.strip()}")
    return sorted(folder.glob("*.whl"))


def wheel_files(wheels: Iterable[Path], services: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Path and bytes of what a function needs of each wheel; of botocore's models only those of `services`."""
    kept = set(services)
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                model = _MODEL.match(name)
                is_unused = name.endswith("/") or _UNUSED.search(name) or (model and model[1] not in kept)
                if not is_unused:
                    yield name, archive.read(name)


def source_files(source: Path = ROOT / "src") -> Iterator[tuple[str, bytes]]:
    """Path and bytes of Trunkline's own modules and data that functions can reach."""
    for path in sorted((source / "trunkline").rglob("*")):
        name = path.relative_to(source).as_posix()
        if path.is_file() and not name.startswith(_UNUSED_PARTS) and not _UNUSED.search(name):
            yield name, path.read_bytes()


def write_zip(path: Path, files: Mapping[str, bytes]) -> Package:
    """Write a zip whose bytes depend on `files` alone: sorted names, one time, one mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.create_system, entry.compress_type = 3, zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, data)
    digest = hashlib.sha256(path.read_bytes()).digest()
    return Package(path.name, base64.b64encode(digest).decode(), path.stat().st_size, sum(map(len, files.values())))


def build(group: Group, architecture: str, python: str, folder: Path, added: Additions | None = None) -> Package:
    """One zip in `folder`, with what is added where functions of the group read objects.

    Raises PackageError where it is too large, and what `download` raises.
    """
    more = (added if group.has_objects else None) or Additions()
    with tempfile.TemporaryDirectory() as scratch:
        wheels = download([ROOT / group.lock, *more.locks], architecture, python, Path(scratch))
        files = dict(wheel_files(wheels, [*POLICIES, "secretsmanager"]))
    files.update(source_files())
    files.update(more.files)
    allowed_mb = LAMBDA_UNZIPPED_MB_MAX if more.locks else group.unzipped_mb_max
    package = write_zip(folder / zip_name(group.name, architecture, python), files)
    if package.unzipped_bytes > allowed_mb * MB:
        raise PackageError(
            f"{package.name} has {package.unzipped_bytes / MB:.1f} MB unzipped, {allowed_mb} MB are "
            f"allowed; the largest files: {', '.join(_largest(files))}"
        )
    return package


def zip_name(group: str, architecture: str, python: str) -> str:
    """The file name of a group's zip, such as `light-arm64-py313.zip`."""
    return f"{group}-{architecture}-py{python.replace('.', '')}.zip"


def _largest(files: Mapping[str, bytes]) -> list[str]:
    ranked = sorted(files.items(), key=lambda file: -len(file[1]))[:5]
    return [f"{name} ({len(data) / MB:.1f} MB)" for name, data in ranked]


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 built, 1 a package that is too large or has no wheels, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m tools.packages", description="Build the Lambda functions' zips.")
    parser.add_argument("--python", default=PYTHON_DEFAULT, help="the runtime's version, by default %(default)s")
    parser.add_argument("--architecture", choices=PLATFORMS, action="append", help="by default both")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "lambda", help="by default build/lambda")
    parser.add_argument(
        "--requirements", type=Path, metavar="LOCK", action="append", default=[],
        help="locked packages for functions that read objects, such as requirements/lambda-sources.txt",
    )  # fmt: skip
    parser.add_argument(
        "--objects", type=Path, metavar="FOLDER", help="a folder with objects.toml or objects/, and hooks/"
    )
    options = parser.parse_args(arguments)
    packages = []
    try:
        files = packaged_files(options.objects) if options.objects else {}
        added = Additions(files, tuple(options.requirements))
        for group in GROUPS:
            for architecture in options.architecture or PLATFORMS:
                packages.append(build(group, architecture, options.python, options.out, added))
                _show(packages[-1])
    except (PackageError, UsageError) as error:
        sys.stderr.write(f"{error}\n")
        return 2 if isinstance(error, UsageError) else 1
    hashes = {package.name: package.sha256 for package in packages}
    index = options.out / f"sha256-py{options.python.replace('.', '')}.json"
    index.write_text(json.dumps(hashes, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return 0


def _show(package: Package) -> None:
    sizes = f"{package.zipped_bytes / MB:6.1f} MB zipped {package.unzipped_bytes / MB:6.1f} MB unzipped"
    sys.stdout.write(f"{package.name:<24} {sizes}  sha256 {package.sha256}\n")


if __name__ == "__main__":
    sys.exit(main())
