"""The commands on pages run, and print what the pages show."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pages import ROOT, Room, is_same, steps, warm_command
from warm import Warm

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
EXECUTED = [page for page in PAGES if any(step.is_shown and step.command for step in steps(page.read_text()))]


def short(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


# Pages that are right where the product is not yet; a page that comes out right must leave this list.
AHEAD: dict[str, str] = {}


# Pages that take long, and whose commands other tests run too: `make docs` executes them.
LONG = {
    f"docs/{name}.md"
    for name in (
        "explanation/engine-quirks", "explanation/live", "how-to/ask-athena-sql", "how-to/business-objects",
        "how-to/load-agent-events", "how-to/load-evaluations", "how-to/load-from-s3", "how-to/read-the-report",
        "how-to/rebuild-and-compact", "how-to/register-in-athena", "how-to/replay-dead-letters",
        "how-to/run-on-a-schedule", "how-to/run-the-lambda-functions", "how-to/use-from-a-notebook",
        "how-to/write-a-metric-question", "reference/accounting", "reference/lake-layout",
    )
}  # fmt: skip


def executed(page: Path) -> Any:
    name = short(page)
    mark = [pytest.mark.xfail(reason=AHEAD[name], raises=AssertionError, strict=True)] if name in AHEAD else []
    return pytest.param(page, id=name, marks=[*mark, pytest.mark.soak] if name in LONG else mark)


@pytest.fixture(scope="module")
def warm() -> Iterator[Warm]:
    """The interpreter that pages' commands are forked from."""
    with warm_command() as started:
        yield started


# A page is many commands, each a process of its own: on a busy machine that takes its time.
@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", [executed(page) for page in EXECUTED])
def test_commands_print_what_the_page_shows(page: Path, tmp_path: Path, warm: Warm) -> None:
    """Every console block of a page, in order, in one folder."""
    room = Room(tmp_path, warm)
    for step in steps(page.read_text()):
        code, seen = room.run(step)
        if step.name:
            continue
        assert step.is_shown or code == 0, f"{short(page)}:{step.line + 1}: hidden command failed\n" + "\n".join(seen)
        shown = "\n".join(seen)
        assert is_same(step.output, seen) or not step.is_shown, (
            f"{short(page)}:{step.line + 1}: $ {step.command}\nprints\n{shown}\n"
            f"If that is right: python tests/support/pages.py {short(page)}"
        )
        assert "a bug in Trunkline" not in shown


def test_pages_that_are_ahead_exist() -> None:
    """The lists name pages that are there."""
    assert set(AHEAD) | LONG <= {short(page) for page in PAGES}


def test_pages_that_must_be_executed_are() -> None:
    """The newcomer's path and the pages of commands have commands that run."""
    names = {short(page) for page in EXECUTED}
    assert {"README.md", "docs/tutorial/your-own-firehose.md"} <= names
    # What these print depends on the clock, or on a server; tests/cli/ and tests/warehouse/ run the same commands. What
    # the pages on Grafana and the wallboard describe is done on a screen; tests/serve/ runs it. What AWS
    # does is run by tests/infra/ and tests/machines/, `trunkline up` by tests/run/, an upgrade by tests/warehouse/.
    names |= {
        f"docs/how-to/{name}.md"
        for name in (
            "reconcile",
            "collect-from-the-api",
            "load-into-redshift",
            "use-postgresql",
            "follow-a-stream",
            "grafana",
            "act-on-an-alarm",
            "backfill-with-distributed-map",
            "deploy-by-hand",
            "deploy-with-terraform",
            "run-everything-on-one-machine",
            "run-with-step-functions",
            "run-the-wallboard",
            "upgrade-and-roll-back",
        )
    }
    for page in ROOT.glob("docs/how-to/*.md"):
        assert short(page) in names, f"{short(page)} shows no command that is run"


FOR_READERS = [page for page in EXECUTED if page.parent.name in ("how-to", "tutorial")]


@pytest.mark.parametrize("page", FOR_READERS, ids=short)
def test_pages_work_as_they_are_rendered(page: Path) -> None:
    """A reader sees every command and the name of every file; only what stands for S3 is hidden, and the page says so."""
    lines = page.read_text().split("\n")
    for number, line in enumerate(lines):
        if line.startswith("<!-- run: "):
            assert "s3/" in line, f"{short(page)}:{number + 1}: a reader does not see this command"
            assert any(above.startswith("Needed: ") for above in lines[:number]), f"{short(page)}: what is needed?"
        if line.startswith("<!-- file: ") and "s3/" not in line:
            name = line.removeprefix("<!-- file: ").removesuffix(" -->")
            above = "\n".join(lines[max(number - 4, 0) : number])
            assert f"`{name}`" in above, f"{short(page)}:{number + 1}: a reader does not see the name {name}"


def test_steps_are_found_in_order() -> None:
    """The small language of pages: commands, their output, files, hidden commands; other blocks are left alone."""
    text = (
        "<!-- file: a.toml -->\n```toml\nx = 1\n```\n<!-- run: true -->\n```sh\n$ no\n```\n"
        "```console\n$ cat \\\n> a.toml\nx = 1\n$ true\n```\n"
    )
    found = steps(text)
    assert [(s.name, s.command, s.output, s.is_shown) for s in found] == [
        ("a.toml", "", ["x = 1"], True),
        ("", "true", [], False),
        ("", "cat \\\na.toml", ["x = 1"], True),
        ("", "true", [], True),
    ]


@pytest.mark.parametrize(
    ("expected", "seen", "same"),
    [
        (["a ... c"], ["a b c"], True),
        (["a ... c"], ["a b d"], False),
        (["a", "...", "z"], ["a", "b", "c", "z"], True),
        (["a", "...", "z"], ["a", "z"], True),
        (["a"], ["a", "b"], False),
        (["a"], ["a  "], True),
        ([], [], True),
        ([], ["a"], False),
        (["1.5"], ["1x5"], False),
    ],
)
def test_output_is_compared(expected: list[str], seen: list[str], same: bool) -> None:
    """Dots stand for what a page leaves out, and for nothing else."""
    assert is_same(expected, seen) is same
