"""Hooks of users' objects: a Python function by its name, found without running its module, imported where it is used.

A module is looked for in the home's folder `hooks`, then among the installed packages, never in the working directory.
A module of the folder is imported under a package name of the folder's own, so that two homes may have one name each.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import re
import sys
import tokenize
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*\Z", re.ASCII)
_NAMES_SHOWN_MAX = 10


@dataclass(frozen=True, slots=True)
class Hook:
    """A function that gets a batch's rows as an Arrow table and returns them changed.

    `name` is `package.module:function`. `folder` is where its module is looked for first; two hooks of one name are
    equal wherever that is.
    """

    name: str
    folder: str = field(default="", compare=False)

    @property
    def module(self) -> str:
        """The module's name, with its packages."""
        return self.name.partition(":")[0]

    @property
    def function(self) -> str:
        """The function's name."""
        return self.name.partition(":")[2]


def check_hook(hook: Hook) -> None:
    """Look for the function without running anything. Raises ValueError with a sentence where it is not there."""
    if not _NAME.match(hook.name):
        raise ValueError('it must be "module:function" or "package.module:function"')
    spec, _ = _find(hook)
    names = _defined(Path(spec.origin or ""))
    if names is not None and hook.function not in names:
        shown = ", ".join(names[:_NAMES_SHOWN_MAX]) or "nothing"
        raise ValueError(f"{spec.origin} does not define {hook.function}; it defines {shown}")


def import_hook(hook: Hook) -> Callable[[Any], object]:
    """The function. Raises ValueError with a sentence where it cannot be imported."""
    check_hook(hook)
    spec, is_of_folder = _find(hook)
    name = f"{_package_of(hook.folder)}.{hook.module}" if is_of_folder else hook.module
    try:
        module = importlib.import_module(name)
    except Exception as error:  # a module may raise anything
        reason = str(error).partition("\n")[0]
        raise ValueError(f"{spec.origin} cannot be imported: {type(error).__name__}: {reason}") from error
    if module.__spec__ is None or module.__spec__.origin != spec.origin:
        raise ValueError(f"Python imports {hook.module} from another place than {spec.origin}; rename the module")
    function = getattr(module, hook.function, None)
    if not callable(function):
        raise ValueError(f"{hook.function} in {spec.origin} is not a function")  # noqa: TRY004 - of the file
    return function  # type: ignore[no-any-return]


def _find(hook: Hook) -> tuple[ModuleSpec, bool]:
    """The module's place, and whether that is in the hook's folder. Raises ValueError where there is none."""
    importlib.invalidate_caches()  # the file may be new
    parts = hook.module.split(".")
    if hook.folder and (spec := _walk(parts, [hook.folder])):
        return spec, True
    here = Path.cwd()
    if spec := _walk(parts, [path for path in sys.path if path and Path(path).resolve() != here]):
        return spec, False
    raise ValueError(f"there is no module {hook.module} in {hook.folder or 'a folder hooks'} or in installed packages")


def _walk(parts: Sequence[str], paths: Sequence[str]) -> ModuleSpec | None:
    spec = None
    for part in parts:
        spec = PathFinder.find_spec(part, paths)
        if spec is None:
            return None
        paths = list(spec.submodule_search_locations or ())
    return spec if spec is not None and spec.has_location else None


def _defined(path: Path) -> list[str] | None:
    """The names that a module's text binds at its top level; None where that cannot be told."""
    if path.suffix != ".py":
        return None
    try:
        with tokenize.open(path) as file:
            tree = ast.parse(file.read())
    except (SyntaxError, UnicodeDecodeError, ValueError) as error:
        raise ValueError(f"{path}, line {getattr(error, 'lineno', None) or 1}: is not valid Python") from error
    names = [name for statement in tree.body for name in _bound(statement)]
    return None if "*" in names else names


def _bound(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.FunctionDef(name=name):
            yield name
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            yield from (alias.asname or alias.name for alias in aliases)
        case ast.Assign(targets=targets):
            yield from (target.id for target in targets if isinstance(target, ast.Name))
        case ast.If() | ast.Try():  # a choice between two definitions
            yield "*"


def _package_of(folder: str) -> str:
    """The name of the package that the folder's modules are imported under."""
    name = f"trunkline_hooks_{hashlib.sha256(folder.encode()).hexdigest()[:16]}"
    package = ModuleType(name)
    package.__path__ = [folder]
    sys.modules.setdefault(name, package)
    return name
