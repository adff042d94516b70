"""Turns of a conversation: from words or from what the file gives, and what follows from them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

PAUSE_MS: Final = 2_000
"""Ours: a speaker who goes on after such a pause begins a new turn."""
LISTENERS: Final = frozenset({"SYSTEM", "CUSTOM_BOT", "BOT", "SUPERVISOR"})
"""Roles that take no part in the conversation."""


class Word(NamedTuple):
    """A word with its times, or a sign of punctuation without."""

    text: str
    label: str | None
    begin_ms: int | None
    end_ms: int | None


@dataclass(slots=True)
class Turn:
    """One turn. Offsets in ms from the beginning of the conversation; None where the file has none."""

    content: str | None
    participant: str | None
    begin_ms: int | None
    end_ms: int | None
    kind: str = "TURN"
    id: str | None = None
    participant_id: str | None = None
    occurred_at: str | None = None
    content_type: str | None = None
    sentiment: str | None = None
    details: str | None = None

    @property
    def is_spoken(self) -> bool:
        """Whether a participant said or wrote this."""
        return self.kind != "EVENT" and self.participant is not None and self.participant not in LISTENERS


def turns_of_words(words: Iterable[Word], joiner: str, is_by_channel: bool) -> list[Turn]:
    """Turns from words in order of time.

    A turn ends where another one speaks or after a pause. On channels people speak at once: there each channel has
    its own turns.
    """
    open_turns: dict[str | None, tuple[Turn, list[str]]] = {}
    done: list[tuple[Turn, list[str]]] = []
    for text, label, begin_ms, end_ms in words:
        place = label if is_by_channel else None
        found = open_turns.get(place)
        if begin_ms is None:  # punctuation belongs to the word before it
            if found is not None:
                found[1].append(text)
        elif found is None or found[0].participant != label or begin_ms - (found[0].end_ms or 0) >= PAUSE_MS:
            open_turns[place] = new = (Turn(None, label, begin_ms, end_ms), [text])
            done.append(new)
        else:
            turn, texts = found
            texts += (joiner, text)
            if end_ms is not None and end_ms > (turn.end_ms or 0):
                turn.end_ms = end_ms
    for turn, texts in done:
        turn.content = "".join(texts)
    return sorted((turn for turn, _ in done), key=lambda turn: (turn.begin_ms or 0, turn.participant or ""))


def offsets_from_times(turns: Sequence[Turn]) -> None:
    """Give turns that have a time, as chat's have, their offset from the first one."""
    times = [_instant(turn.occurred_at) for turn in turns]
    known = [one for one in times if one is not None]
    for turn, at in zip(turns, times, strict=True):
        if at is not None and turn.begin_ms is None:
            turn.begin_ms = round((at - min(known)).total_seconds() * 1000)


def _instant(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None  # flatten sets the record aside and says which column
    return found if found is not None and found.tzinfo is not None else None


def told(turns: Sequence[Turn], kind: str | None) -> dict[str, Any]:
    """What follows from the turns, by the record's keys. `kind` is what tells participants apart."""
    spoken = [turn.participant for turn in turns if turn.is_spoken]
    participants = sorted({one for one in spoken if one is not None})
    changes = sum(1 for before, after in itertools.pairwise(spoken) if before != after)
    return {
        "participantKind": kind if participants else None,
        "participants": participants,
        "participantCount": len(participants),
        "firstParticipant": spoken[0] if spoken else None,
        "changeCount": changes,
        "turnCount": len(turns),
        "turns": [_written(number, turn) for number, turn in enumerate(turns, start=1)],
    }


def talk_times(turns: Sequence[Turn]) -> Mapping[str, int]:
    """Sum of the turns' lengths by participant, in ms."""
    result: dict[str, int] = {}
    for turn in turns:
        if turn.is_spoken and turn.participant and turn.begin_ms is not None and turn.end_ms is not None:
            result[turn.participant] = result.get(turn.participant, 0) + max(turn.end_ms - turn.begin_ms, 0)
    return result


def last_end_ms(turns: Iterable[Turn]) -> int | None:
    """Where the last turn ends; None without any."""
    return max((end for turn in turns if (end := turn.end_ms or turn.begin_ms) is not None), default=None)


def _written(number: int, turn: Turn) -> dict[str, Any]:
    written = {
        "number": number, "id": turn.id, "kind": turn.kind, "participant": turn.participant,
        "participantId": turn.participant_id, "beginMs": turn.begin_ms, "endMs": turn.end_ms,
        "occurredAt": turn.occurred_at, "contentType": turn.content_type, "content": turn.content,
        "sentiment": turn.sentiment, "details": turn.details,
    }  # fmt: skip
    return {key: value for key, value in written.items() if value is not None}
