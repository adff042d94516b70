"""A live state on disk, with the positions in its streams: both in one file, replaced as a whole.

A process that is killed goes on from the last file: it reads each stream from the position in it, and nothing that came
after that is in the state. Reading some events twice would change nothing either.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from trunkline.errors import TerminalError
from trunkline.live.fold import LiveState, StateContents
from trunkline.live.rules import LiveRules
from trunkline.live.terms import LIVE_METRICS

_FORMAT: Final[list[int | str]] = [1, *(metric.name for metric in LIVE_METRICS)]
_encode: Final = msgspec.msgpack.Encoder().encode


class SavedState(msgspec.Struct, frozen=True, array_like=True):
    """The file. `format` is its version and the metrics that its sums are of; `contents` is decoded only if it fits."""

    format: list[int | str]
    positions: dict[str, str]
    contents: msgspec.Raw


_decode: Final = msgspec.msgpack.Decoder(SavedState).decode
_decode_contents: Final = msgspec.msgpack.Decoder(StateContents).decode


def save_state(path: Path, state: LiveState, positions: Mapping[str, str]) -> None:
    """Write the state and the positions, shard by shard, up to which it has folded. All or nothing; mode 0600.

    After a return both survive a power failure. Before it the file is the one that was there.
    """
    contents = msgspec.Raw(_encode(state.contents()))
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(_encode(SavedState(_FORMAT, dict(positions), contents)))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def load_state(path: Path, rules: LiveRules) -> tuple[LiveState, dict[str, str]] | None:
    """The state and its positions. None where there is no file, or another version wrote it: then fold anew.

    Raises TerminalError for a damaged file.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        saved = _decode(data)
        if saved.format != _FORMAT:
            return None
        return LiveState.of(_decode_contents(saved.contents), rules), saved.positions
    except msgspec.DecodeError as error:
        raise TerminalError(
            f"{path} is damaged ({error}): delete it, and the state is folded anew from the streams."
        ) from error
