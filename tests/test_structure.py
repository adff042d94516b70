"""The package's structure: sizes, unique names, no cycles, plain words. `python -m tools.structure` prints the figures."""

from __future__ import annotations

import re
import statistics
from pathlib import Path

import pytest

from tools.structure import (
    Module,
    function_lengths,
    identifier_words,
    import_cycles,
    modules_of,
    p90,
    repeated_class_names,
)

ROOT = Path(__file__).parents[1]
MODULES = modules_of()
FUNCTION_P90_MAX = 22
MODULE_MEDIAN_MIN, MODULE_MEDIAN_MAX = 100, 220

# Words that say nothing about a value, or are no English that an engineer would write, and how many names may still
# have them. The numbers only shrink.
ODD_WORDS = {
    "along": 0, "asked": 3, "comes": 0, "found": 27, "gone": 6, "held": 35, "lies": 0, "mend": 0, "mended": 0,
    "one": 9, "some": 1, "stands": 0, "told": 0, "whom": 0,
}  # fmt: skip


def module(name: str, text: str) -> Module:
    return Module(f"trunkline.{name}", f"{name}.py", text)


def test_class_names_are_unique() -> None:
    """One name, one meaning."""
    assert repeated_class_names(MODULES) == {}


def test_a_repeated_class_name_is_found() -> None:
    """The check sees public classes at the top of modules, and only those."""
    text = "class A: pass\nclass _B: pass\ndef f():\n    class C: pass\n"
    assert repeated_class_names([module("x", text), module("y", text)]) == {"A": ["x.py", "y.py"]}


def test_modules_do_not_import_each_other() -> None:
    """No cycle, also not in functions or for types alone."""
    assert import_cycles(MODULES) == []


@pytest.mark.parametrize(
    "back",
    ["import trunkline.a", "def f():\n    from trunkline import a", "if TYPE_CHECKING:\n    from trunkline.a import x"],
)
def test_a_cycle_is_found(back: str) -> None:
    """Wherever the import is written, and through a third module."""
    modules = [module("a", "from trunkline.b import y\n"), module("b", "from trunkline import c\n"), module("c", back)]
    assert import_cycles(modules) == [["trunkline.a", "trunkline.b", "trunkline.c"]]
    assert import_cycles(modules[:2]) == []


def test_functions_fit_a_screen() -> None:
    """Nine of ten functions are short; `test_tidy` limits the longest."""
    assert p90(function_lengths(MODULES)) <= FUNCTION_P90_MAX


def test_modules_hold_a_whole_idea() -> None:
    """Neither fragments nor novels, in the median."""
    assert MODULE_MEDIAN_MIN <= statistics.median(module.lines for module in MODULES) <= MODULE_MEDIAN_MAX


def test_a_service_limit_is_written_once() -> None:
    """In limits.py, with its source; numbers that nobody writes for another reason."""
    numbers = ("65_535", "604_800")
    assert [m.path for m in MODULES if m.path != "limits.py" and any(number in m.text for number in numbers)] == []


def test_names_are_plain_words() -> None:
    """A name says what it holds, in the words of the field."""
    words = identifier_words(MODULES)
    assert {word: words[word] for word, most in ODD_WORDS.items() if words[word] > most} == {}


def test_an_odd_word_is_found() -> None:
    """In functions, arguments and variables."""
    words = identifier_words(
        [module("x", "def _told(one_thing):\n    held = 1\n    for one in []:\n        held.told = 2\n")]
    )
    assert (words["told"], words["one"], words["held"]) == (1, 2, 1)


def test_the_build_finds_the_version() -> None:
    """As hatchling looks for it."""
    pattern = r"(?im)^(__version__|VERSION)(?: ?\: ?str)? *= *([\'\"])v?(?P<version>.+?)\2"
    assert re.search(pattern, (ROOT / "src/trunkline/version.py").read_text())
