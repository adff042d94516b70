"""Dead letters and the bytes that were kept of them."""

from __future__ import annotations

from collections.abc import Sequence

from trunkline.errors import TerminalError, UsageError
from trunkline.lake import layout
from trunkline.ledger import index
from trunkline.ledger.index import SetAside
from trunkline.ledger.records import KeptBytes, decode_bytes
from trunkline.pipelines.home import Home
from trunkline.positions import LetterRange, Plan
from trunkline.records import KeptLetter
from trunkline.urls import without_password


def kept_bytes(home: Home, letter: SetAside) -> KeptBytes:
    """The bytes of a dead letter. Raises UsageError when their retention is over and they are gone."""
    data = home.store.get_bytes(layout.bytes_key(letter.object_name, letter.batch_id))
    for kept in decode_bytes(data or b""):
        if (kept.position, kept.payload_hash) == (letter.position, letter.payload_hash):
            return kept
    raise UsageError(
        f"the bytes of the dead letter at {letter.position} are gone (dead_letter_retention_days is over); "
        "load the file again from where it came"
    )


def kept_letters(home: Home, plan: Plan) -> list[KeptLetter]:
    """The dead letters of a replay plan with their bytes, in its order.

    Raises UsageError where the bytes of one are gone, TerminalError where the ledger does not know one.
    """
    known = index.dead_letters(home.warehouse, plan.object_name, is_open=False)
    by_identity = {(letter.position, letter.payload_hash): letter for letter in known}
    letters: list[KeptLetter] = []
    for span in plan.ranges:
        letter = by_identity.get((span.position, span.payload_hash)) if isinstance(span, LetterRange) else None
        if letter is None:
            raise TerminalError(
                f"batch {plan.batch_id} is to run {span.first} again, which is no dead letter of {plan.object_name} in "
                f"{without_password(home.settings.warehouse)}; rebuild the warehouse, then run the same command again"
            )
        kept = kept_bytes(home, letter)
        letters.append(
            KeptLetter(
                position=letter.position, payload_hash=letter.payload_hash, payload=kept.payload, length=kept.length,
                reason=letter.reason, detail=letter.detail, arrived_at=letter.arrived_at, source=letter.source,
                mark=kept.mark,
            )
        )  # fmt: skip
    return letters


def letter_ranges(letters: Sequence[SetAside]) -> tuple[LetterRange, ...]:
    """The ranges of a replay. Each attempt is a batch of its own."""
    return tuple(
        LetterRange(letter.position, letter.payload_hash, letter.replays, letter.length, letter.arrived_at)
        for letter in letters
    )
