"""`load`: files, or standard input, to lake and warehouse."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from typing import IO, Any
from uuid import uuid4

from trunkline.objects.model import Object
from trunkline.pipelines.home import Home
from trunkline.pipelines.runner import Advance, LoadResult, Runner, no_advance
from trunkline.sources.files.listing import SourceFile
from trunkline.sources.registry import file_source, list_files


def load(home: Home, obj: Object, paths: Sequence[str], advance: Advance = no_advance) -> LoadResult:
    """Load what is new in these files. `advance` is called with the decoded bytes of each batch that is in the lake.

    Raises UsageError for paths that cannot be, TerminalError for files that cannot be read. A record that cannot be
    used is set aside and never stops the load. Stopping at any point loses nothing: the next load goes on.
    """
    return load_files(home, obj, list_files(obj, paths), advance)


def load_files(
    home: Home, obj: Object, files: Sequence[SourceFile], advance: Advance = no_advance, client: Any = None
) -> LoadResult:
    """The same for files that are listed already. `client` is a boto3 S3 client, made where needed."""
    runner = Runner(home, obj)
    source = file_source(runner.context, files, client)
    result = runner.run(source, len(files), lambda record: advance(record.bytes_read))
    return replace(result, refused=tuple(getattr(source, "refused", ())))


def load_stream(home: Home, obj: Object, stream: IO[bytes], advance: Advance = no_advance) -> LoadResult:
    """Load what a stream gives, such as standard input. Raises what `load` raises.

    The bytes are a file in the home until they are loaded, so that the next call finishes a load that was stopped.
    """
    folder = home.settings.home / "standard-input" / obj.name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = uuid4().hex
    unfinished = folder / f".{name}"
    with unfinished.open("wb") as file:
        shutil.copyfileobj(stream, file)
    unfinished.rename(folder / name)
    paths = [path for path in folder.iterdir() if not path.name.startswith(".")]
    result = load(home, obj, [str(path) for path in paths], advance)
    for path in paths:
        path.unlink()
    return result
