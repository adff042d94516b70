"""What commands share: settings from the options, and an open home."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from trunkline.settings import Settings

if TYPE_CHECKING:
    from trunkline.pipelines.home import Home
    from trunkline.pipelines.reading import Reader


@contextmanager
def owned(home: Path | None) -> Iterator[Home]:
    """The home, opened to change it."""
    from trunkline.pipelines.home import open_home

    with open_home(Settings.load(home)) as opened:
        yield opened


@contextmanager
def read(home: Path | None) -> Iterator[Reader]:
    """The home, opened for questions."""
    from trunkline.pipelines.reading import open_reader

    with open_reader(Settings.load(home)) as opened:
        yield opened
