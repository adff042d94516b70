"""What commands share: settings from the options, and an open home."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from trunkline.settings import Settings

if TYPE_CHECKING:
    from trunkline.objects.model import Object
    from trunkline.pipelines.home import Home
    from trunkline.pipelines.reading import Reader


def declared(home: Path | None) -> dict[str, Object]:
    """The objects there are: ours, and those of objects.toml in the home, which need not exist."""
    from trunkline.objects.catalogue import load
    from trunkline.pipelines.home import user_object_files

    return load(user_object_files(Settings.load(home)))


@contextmanager
def owned(home: Path | None, is_install: bool = False) -> Iterator[Home]:
    """The home, opened to change it; with `is_install` a server's warehouse may be empty yet."""
    from trunkline.pipelines.home import open_home

    with open_home(Settings.load(home), is_install) as opened:
        yield opened


@contextmanager
def read(home: Path | None) -> Iterator[Reader]:
    """The home, opened for questions."""
    from trunkline.pipelines.reading import open_reader

    with open_reader(Settings.load(home)) as opened:
        yield opened
