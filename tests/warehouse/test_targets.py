"""Which URL is opened by what: one table, told apart by scheme, with libraries that are there only where used."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest

from trunkline.errors import UsageError
from trunkline.urls import WAREHOUSE_URLS
from trunkline.warehouse.targets import TARGETS, target_of


def test_settings_and_targets_name_the_same_schemes() -> None:
    """What the setting takes can be opened, and what can be opened can be set."""
    assert list(WAREHOUSE_URLS) == list(TARGETS)
    for scheme, example in WAREHOUSE_URLS.items():
        assert target_of(example) is TARGETS[scheme]
        assert TARGETS[scheme].engine.name == TARGETS[scheme].engine_name


def test_another_scheme_is_refused_with_the_valid_ones() -> None:
    """A database that is not there is named, with examples of those that are."""
    with pytest.raises(UsageError, match="'mysql' is no kind of warehouse; valid is a URL such as duckdb:///"):
        target_of("mysql://x/y")


def test_a_missing_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drivers are extras: without one the message has the command that installs it beside the one that runs."""

    def absent(name: str) -> object:
        raise ModuleNotFoundError("No module named 'psycopg'", name="psycopg")

    monkeypatch.setattr("trunkline.warehouse.targets.importlib.import_module", absent)
    command = f"{sys.executable} -m pip install adbc-driver-postgresql 'psycopg[binary]'"
    with pytest.raises(UsageError, match=re.escape(f"needs psycopg, which is not installed: {command}")):
        TARGETS["postgresql"]._function("open_warehouse")


def test_what_is_to_be_installed_is_what_the_extras_declare() -> None:
    """Each target that needs a driver has an extra of these packages, under the target's name."""
    project = Path(__file__).parents[2] / "pyproject.toml"
    declared = tomllib.loads(project.read_text())["project"]["optional-dependencies"]
    extras = {name: {re.split("[<>=]", one)[0] for one in packages} for name, packages in declared.items()}
    needed = {target.module.partition(".")[0]: set(target.packages) for target in TARGETS.values() if target.packages}
    assert needed.items() <= extras.items()
