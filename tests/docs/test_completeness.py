"""Everything that users see is documented."""

from __future__ import annotations

import inspect

from pages import ROOT

from trunkline import errors
from trunkline.cli.main import NOUNS, VERBS
from trunkline.limits import DEAD_LETTER_REASONS
from trunkline.metrics.catalogue import METRICS
from trunkline.objects.catalogue import OBJECTS, VIEWS
from trunkline.objects.ledger import LEDGER_TABLES
from trunkline.settings.options import Options

REFERENCE = "\n".join(path.read_text() for path in sorted(ROOT.glob("docs/reference/**/*.md")))
PROSE = "\n".join(
    path.read_text()
    for folder in ("tutorial", "how-to", "explanation")
    for path in sorted(ROOT.glob(f"docs/{folder}/*.md"))
)


def missing(names: list[str], text: str) -> list[str]:
    assert names, "nothing to look for"
    return [name for name in names if name not in text]


def test_every_command_has_its_section_and_is_used_somewhere() -> None:
    """The reference has all; pages for people show each at least once."""
    commands = [f"trunkline {name}" for name in VERBS]
    for noun, app in NOUNS.items():
        for command in app.registered_commands:
            assert command.callback
            commands.append(f"trunkline {noun} {command.name or command.callback.__name__}")
    assert missing([f"## {command}\n" for command in commands], REFERENCE) == []
    assert missing(commands, PROSE + (ROOT / "README.md").read_text()) == []


def test_every_object_and_ledger_table_is_described() -> None:
    """Tables that a person can query."""
    names = [*OBJECTS, *VIEWS, *(table.name for table in LEDGER_TABLES)]
    assert missing([f"`{name}`" for name in names], REFERENCE) == []
    assert all((ROOT / f"docs/reference/objects/{name}.md").exists() for name in OBJECTS)


def test_every_metric_has_its_section() -> None:
    """Each with its definition."""
    assert missing([f"## {metric.column}\n" for metric in METRICS.values()], REFERENCE) == []


def test_every_setting_and_reason_is_explained() -> None:
    """Keys, variables and codes."""
    keys = [f"| `{name}` | `TRUNKLINE_{name.upper()}` |" for name in Options.__struct_fields__]
    assert missing([*keys, "`TRUNKLINE_HOME`", "`TRUNKLINE_PII_KEY`", "`TRUNKLINE_DEBUG`"], REFERENCE) == []
    assert missing([f"| `{code}` |" for code in DEAD_LETTER_REASONS], REFERENCE) == []


def test_every_error_says_what_to_do_in_the_documentation() -> None:
    """By the class's name, with the exit code it leads to."""
    classes = [
        name for name, error in inspect.getmembers(errors, inspect.isclass) if error.__module__ == errors.__name__
    ]
    assert missing([f"`{name}`" for name in classes], REFERENCE) == []
