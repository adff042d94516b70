"""CONTRIBUTING shows a record's way through the code as a list of calls; here the list is compared with the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src" / "trunkline"
PAGE = ROOT / "CONTRIBUTING.md"
_LINE = re.compile(r"^( *)- `src/trunkline/([\w/]+\.py)` `([\w.]+)`")
SPINE_FILES_MAX = 14
FILES_TO_UNDERSTAND_MAX = 35


@dataclass(frozen=True)
class Step:
    """A function of the list, and the one that it is indented under."""

    file: str
    function: str
    caller: Step | None


def _section() -> str:
    return PAGE.read_text().partition("## How a record travels")[2].partition("\n## ")[0]


def steps() -> list[Step]:
    """The list in CONTRIBUTING, by indentation."""
    found: list[Step] = []
    stack: list[tuple[int, Step]] = []
    for line in _section().splitlines():
        if match := _LINE.match(line):
            indent = len(match[1])
            stack = [entry for entry in stack if entry[0] < indent]
            step = Step(match[2], match[3], stack[-1][1] if stack else None)
            stack.append((indent, step))
            found.append(step)
    return found


def tree_of(file: str) -> ast.Module:
    return ast.parse((SRC / file).read_text())


def functions_of(file: str) -> dict[str, ast.AST]:
    """The functions and methods of a module by their name; a method also by `Class.name`."""
    found: dict[str, ast.AST] = {}
    for node in tree_of(file).body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, ast.FunctionDef):
                    found[f"{node.name}.{method.name}"] = method
                    found.setdefault(method.name, method)
    return found


def aliases_of(file: str) -> dict[str, str]:
    """What is imported under another name, by that name."""
    imports = [node for node in ast.walk(tree_of(file)) if isinstance(node, ast.ImportFrom)]
    return {alias.asname: alias.name for node in imports for alias in node.names if alias.asname}


def used_names(function: ast.AST) -> Iterator[str]:
    """Names that a function calls or hands on: `f(...)`, `x.f(...)`, `map(f, ...)`."""
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr


def reached_names(file: str, function: str) -> set[str]:
    """What a function uses itself, or through other functions of its module."""
    functions, aliases = functions_of(file), aliases_of(file)
    reached: set[str] = set()
    waiting = [function]
    while waiting:
        for name in used_names(functions[waiting.pop()]):
            name = aliases.get(name, name)
            if name not in reached:
                reached.add(name)
                waiting += [name] if name in functions else []
    return reached


def test_the_list_is_there() -> None:
    """It begins with the command and ends with the metric's SQL."""
    assert (steps()[0].file, steps()[-1].file) == ("cli/ingest/load.py", "sql/metric_query.py")


@pytest.mark.parametrize("step", steps(), ids=lambda step: f"{step.file}:{step.function}")
def test_each_function_is_called_by_the_one_before(step: Step) -> None:
    """It exists, and the function that it is indented under uses it."""
    assert step.function in functions_of(step.file)
    if step.caller is not None:
        assert step.function.rpartition(".")[2] in reached_names(step.caller.file, step.caller.function)


def test_the_way_is_short() -> None:
    """Few files are on it, and few more are needed to understand it: those that the page names."""
    spine = {step.file for step in steps()}
    named = set(re.findall(r"`src/trunkline/([\w/]+\.py)`", _section()))
    assert [file for file in named if not (SRC / file).is_file()] == []
    assert len(spine) <= SPINE_FILES_MAX
    assert len(named) <= FILES_TO_UNDERSTAND_MAX


def test_a_broken_list_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function that its caller does not use is found."""
    caller = Step("pipelines/jobs/load.py", "load_files", None)
    with pytest.raises(AssertionError):
        test_each_function_is_called_by_the_one_before(Step("sources/files/framing.py", "frame", caller))
    with pytest.raises(AssertionError):
        test_each_function_is_called_by_the_one_before(Step("pipelines/jobs/load.py", "no_such_function", None))
