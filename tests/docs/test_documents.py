"""Commands, files and links that the documents name exist."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def fenced(text: str) -> str:
    return "\n".join(re.findall(r"^```.*?\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL))


def targets_named(text: str) -> set[str]:
    """Make targets in fenced blocks and in `code`."""
    words = re.findall(r"^make ([a-z]+)", fenced(text), flags=re.MULTILINE)
    return {*words, *re.findall(r"`make ([a-z]+)", text)}


def links(text: str) -> set[str]:
    """Relative links; addresses are not looked up."""
    return {link for link in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in link}


def test_there_is_something_to_check() -> None:
    """The documents are found, and name targets and links."""
    text = "".join(path.read_text() for path in DOCUMENTS)
    assert {"setup", "test", "golden"} <= targets_named(text)
    assert "CONTRIBUTING.md" in links(text)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_make_targets_and_links_exist(path: Path) -> None:
    """No document points to something that does not exist."""
    makefile = (ROOT / "Makefile").read_text()
    assert {name for name in targets_named(path.read_text()) if f"\n{name}:" not in makefile} == set()
    assert {link for link in links(path.read_text()) if not (path.parent / link).exists()} == set()


def headings(text: str) -> set[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    outside = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.*)$", outside, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_to_headings_lead_to_one(path: Path) -> None:
    """A heading that was worded anew takes its links along."""
    for link, anchor in re.findall(r"\]\(([^)#\s]*)#([^)\s]+)\)", path.read_text()):
        if "://" not in link:
            assert anchor in headings((path.parent / link if link else path).read_text()), f"{link}#{anchor}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_files_of_ours_that_are_named_are_there(path: Path) -> None:
    """Modules, tests and generated SQL that a page names exist, in the repository or below the package."""
    named = re.findall(r"`((?:src|tests|sql|bench|examples|integrations)/[\w./-]+)`", path.read_text())
    places = (ROOT, ROOT / "src/trunkline")
    assert {name for name in named if not any((place / name).exists() for place in places)} == set()


def test_the_lakes_page_names_every_kind_of_ledger_object() -> None:
    """Each prefix that the layout knows is on the page."""
    prefixes = re.findall(r"\{LEDGER\}/([\w.]+)", (ROOT / "src/trunkline/lake/layout.py").read_text())
    page = (ROOT / "docs/reference/lake-layout.md").read_text()
    assert len(set(prefixes)) > 10
    assert {one for one in prefixes if f"_ledger/{one}" not in page} == set()


def test_make_alone_lists_every_target() -> None:
    """Help is made from the targets themselves."""
    shown = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert phony
    assert re.findall(r"^  make (\w+)", shown, flags=re.MULTILINE) == phony.group(1).split()
