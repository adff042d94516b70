"""Runs the commands of a documentation page, and compares their output with the page.

In a page, a ```console block is executed: lines that begin with `$ ` are commands (`> ` goes on with one), the lines
after a command are its output, standard error included. `...` in an output line stands for any text, and alone on a
line for any lines. `<!-- file: NAME -->` before a block writes that block to a file; `<!-- run: COMMAND -->` runs
a command that readers need not see. A page runs in one empty folder, in order, with `trunkline` and `python` on the PATH. A folder
`s3/BUCKET` in it stands for Amazon S3; the hidden command `as-clone` makes it a clone with `make setup` done.

`python tests/support/pages.py PAGE...` writes what comes out into pages, where it differs.
"""

from __future__ import annotations

import os
import pkgutil
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from warm import CLIENT, Warm

import trunkline

ROOT = Path(__file__).parents[2]
COMMAND = Path(__file__).with_name("page_command.py")
# Makes the folder a clone in which `make setup` has run: what make looks at, in the order in which it came to be.
AS_CLONE = """set -e
cp "$ROOT/Makefile" .
mkdir -p requirements .venv/bin
touch pyproject.toml requirements/serve.txt requirements/build.txt
ln -s "$(command -v python3)" .venv/bin/python
ln -s "$(command -v trunkline)" .venv/bin/trunkline
touch .venv/.runtime
"""
_MARK = re.compile(r"^<!-- (file|run): (.+?) -->\s*$")


@dataclass
class Step:
    """One command with the output that the page shows, or a file to write (`name`)."""

    line: int
    command: str = ""
    output: list[str] = field(default_factory=list)
    name: str = ""
    is_shown: bool = True


def steps(text: str) -> list[Step]:
    """What a page does, in order."""
    found: list[Step] = []
    lines = text.split("\n")
    pending = ""
    number = 0
    while number < len(lines):
        line = lines[number]
        mark = _MARK.match(line)
        if mark and mark[1] == "run":
            found.append(Step(number, mark[2], is_shown=False))
        elif mark:
            pending = mark[2]
        elif line.startswith("```") and line != "```":
            end = lines.index("```", number + 1)
            body = lines[number + 1 : end]
            if pending:
                found.append(Step(number, name=pending, output=body))
            elif line == "```console":
                found += _commands(body, number + 1)
            pending, number = "", end
        number += 1
    return found


def _commands(body: list[str], first: int) -> list[Step]:
    found: list[Step] = []
    for number, line in enumerate(body, first):
        if line.startswith("$ "):
            found.append(Step(number, line[2:]))
        elif line.startswith("> ") and found and not found[-1].output:
            found[-1].command += "\n" + line[2:]
        elif found:
            found[-1].output.append(line)
        else:
            raise AssertionError(f"line {number + 1}: a console block begins with a command, not with {line!r}")
    return found


def is_same(expected: list[str], seen: list[str]) -> bool:
    """Whether output is what a page shows, trailing blanks and `...` aside."""
    pattern = ""
    for line in expected:
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += r"[^\n]*?".join(re.escape(part) for part in line.rstrip().split("...")) + r"[ ]*\n"
    return re.fullmatch(pattern, "".join(f"{line.rstrip()}\n" for line in seen)) is not None


def warm_command() -> Warm:
    """An interpreter that has imported all of the package and its stand-in for S3."""
    modules = [name for _, name, _ in pkgutil.walk_packages(trunkline.__path__, "trunkline.")]
    environment = os.environ | {"PYTHONUNBUFFERED": "1", "LC_ALL": "C.UTF-8", "PYTHONPATH": str(ROOT / "src")}
    return Warm([*modules, "duckdb", "boto3", "moto.s3.urls", "moto.s3.responses", "typer._adapters"], environment)


class Room:
    """An empty folder in which a page's commands run, forked from a warm interpreter."""

    def __init__(self, folder: Path, warm: Warm) -> None:
        self.folder = folder / "centre"
        self.folder.mkdir()
        tools = folder / "bin"
        tools.mkdir()
        shim = tools / "trunkline"
        client = tools / "client.py"
        client.write_text(CLIENT)
        shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{client}" "{COMMAND}" "$@"\n')
        shim.chmod(0o755)
        python = tools / "python"
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        python.chmod(0o755)
        clone = tools / "as-clone"
        clone.write_text(f'#!/bin/sh\nROOT="{ROOT}"\n{AS_CLONE}')
        clone.chmod(0o755)
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("TRUNKLINE_", "MAKE", "MFLAGS"))
        }
        self.environment = kept | {
            "PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1",
            "HOME": str(folder), "WARM_INTERPRETER": warm.address, "PAGER": "cat", "LC_ALL": "C.UTF-8",
        }  # fmt: skip

    def run(self, step: Step) -> tuple[int, list[str]]:
        """Exit code and output lines of a command; a file step writes its file."""
        if step.name:
            path = self.folder / step.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(step.output) + "\n")
            return 0, step.output
        done = subprocess.run(
            ["bash", "-c", step.command], cwd=self.folder, env=self.environment, text=True, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300,
        )  # fmt: skip
        text = done.stdout.replace(str(self.folder), "/data/centre")
        return done.returncode, text.removesuffix("\n").split("\n") if text else []


def rewritten(text: str, folder: Path, warm: Warm) -> str:
    """The page with the output that its commands really give."""
    room, lines, shift = Room(folder, warm), text.split("\n"), 0
    for step in steps(text):
        code, seen = room.run(step)
        if not step.is_shown and code:
            sys.stderr.write(f"exit {code}: {step.command}\n" + "\n".join(seen) + "\n")
        if step.name or not step.is_shown or is_same(step.output, seen):
            continue
        start = step.line + shift + step.command.count("\n") + 1
        lines[start : start + len(step.output)] = [line.rstrip() for line in seen]
        shift += len(seen) - len(step.output)
    return "\n".join(lines)


if __name__ == "__main__":
    with warm_command() as started:
        for name in sys.argv[1:]:
            scratch = Path(tempfile.mkdtemp())
            page = Path(name)
            page.write_text(rewritten(page.read_text(), scratch, started))
            shutil.rmtree(scratch)
