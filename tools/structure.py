"""`python -m tools.structure`: how large the package's modules and functions are, and which names are used twice."""

from __future__ import annotations

import ast
import re
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "trunkline"


@dataclass(frozen=True)
class Module:
    """One module: its dotted name, its path below the package, and its text."""

    name: str
    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed text."""
        return ast.parse(self.text)

    @property
    def lines(self) -> int:
        """How long it is."""
        return self.text.count("\n")


def modules_of(source: Path = SOURCE) -> list[Module]:
    """All modules of the package without its `__init__.py` files, in order of name."""
    modules = []
    for path in sorted(source.rglob("*.py")):
        if path.name != "__init__.py":
            relative = path.relative_to(source)
            name = ".".join([source.name, *relative.with_suffix("").parts])
            modules.append(Module(name, relative.as_posix(), path.read_text()))
    return modules


def function_lengths(modules: Iterable[Module]) -> list[int]:
    """Lines of every function and method, ascending."""
    return sorted(
        (node.end_lineno or node.lineno) - node.lineno + 1
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def p90(values: list[int]) -> int:
    """The smallest value that nine tenths of the ascending values do not exceed."""
    return values[min(len(values) * 9 // 10, len(values) - 1)]


def repeated_class_names(modules: Iterable[Module]) -> dict[str, list[str]]:
    """Public class names that more than one module defines, with the modules' paths."""
    places: dict[str, list[str]] = defaultdict(list)
    for module in modules:
        for node in module.tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(module.path)
    return {name: paths for name, paths in places.items() if len(paths) > 1}


def imports_of(module: Module, known: Mapping[str, Module]) -> set[str]:
    """The modules of the package that a module imports anywhere: at its top, in functions, and for types alone."""
    names: set[str] = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {name for name in names if name in known and name != module.name}


def import_cycles(modules: Iterable[Module]) -> list[list[str]]:
    """Groups of modules that import each other, directly or through others."""
    known = {module.name: module for module in modules}
    imports = {name: imports_of(module, known) for name, module in known.items()}
    reachable: dict[str, set[str]] = {}
    for name, direct in imports.items():
        seen: set[str] = set()
        waiting = list(direct)
        while waiting:
            following = waiting.pop()
            if following not in seen:
                seen.add(following)
                waiting += imports[following]
        reachable[name] = seen
    groups = {
        tuple(sorted(other for other in reachable[name] if name in reachable[other]))
        for name in imports
        if name in reachable[name]
    }
    return [list(group) for group in sorted(groups)]


def identifier_words(modules: Iterable[Module]) -> Counter[str]:
    """How often each word occurs in the names of functions, classes, arguments and variables."""
    words: Counter[str] = Counter()
    for module in modules:
        for name in _names(module.tree):
            words.update(word for word in re.split(r"_+", name.lower()) if word)
    return words


def _names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def main() -> None:
    """Prints the figures."""
    modules = modules_of()
    lengths = sorted(module.lines for module in modules)
    functions = function_lengths(modules)
    sys.stdout.write(
        f"modules    {len(modules)}, {sum(lengths):,} lines, median {statistics.median(lengths):g}, "
        f"p90 {p90(lengths)}, longest {lengths[-1]}\n"
        f"functions  {len(functions)}, median {statistics.median(functions):g}, p90 {p90(functions)}, "
        f"longest {functions[-1]}\n"
        f"cycles     {len(import_cycles(modules))}\n"
    )
    for name, paths in sorted(repeated_class_names(modules).items()):
        sys.stdout.write(f"class {name} is in {', '.join(paths)}\n")


if __name__ == "__main__":
    main()
