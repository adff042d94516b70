"""The turns of a conversation, from words or from what a file lists, and the fields that follow from them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

PAUSE_MS: Final = 2_000
"""Our choice: a speaker who continues after such a pause begins a new turn."""
LISTENERS: Final = frozenset({"SYSTEM", "CUSTOM_BOT", "BOT", "SUPERVISOR"})
"""Roles that take no part in the conversation."""


class Word(NamedTuple):
    """A word with its times, or a punctuation mark without."""

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

    A turn ends where another participant speaks or after a pause. On channels people speak at the same time: there
    each channel has its own turns.
    """
    open_turns: dict[str | None, tuple[Turn, list[str]]] = {}
    all_turns: list[tuple[Turn, list[str]]] = []
    for text, label, begin_ms, end_ms in words:
        place = label if is_by_channel else None
        current = open_turns.get(place)
        if begin_ms is None:  # punctuation belongs to the word before it
            if current is not None:
                current[1].append(text)
        elif current is None or current[0].participant != label or begin_ms - (current[0].end_ms or 0) >= PAUSE_MS:
            open_turns[place] = new = (Turn(None, label, begin_ms, end_ms), [text])
            all_turns.append(new)
        else:
            turn, texts = current
            texts += (joiner, text)
            if end_ms is not None and end_ms > (turn.end_ms or 0):
                turn.end_ms = end_ms
    for turn, texts in all_turns:
        turn.content = "".join(texts)
    return sorted((turn for turn, _ in all_turns), key=lambda turn: (turn.begin_ms or 0, turn.participant or ""))


def set_chat_offsets(turns: Sequence[Turn]) -> None:
    """Give turns that have a time of day, as those of chats do, their offset from the first one."""
    times = [_parse_time(turn.occurred_at) for turn in turns]
    known = [time for time in times if time is not None]
    for turn, time in zip(turns, times, strict=True):
        if time is not None and turn.begin_ms is None:
            turn.begin_ms = round((time - min(known)).total_seconds() * 1000)


def _parse_time(text: str | None) -> datetime | None:
    try:
        time = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None  # flatten reports the column
    return time if time is not None and time.tzinfo is not None else None


def conversation_fields(turns: Sequence[Turn], kind: str | None) -> dict[str, Any]:
    """The turns and what follows from them, by the record's keys. `kind` is what distinguishes participants."""
    spoken = [turn.participant for turn in turns if turn.is_spoken]
    participants = sorted({participant for participant in spoken if participant is not None})
    changes = sum(1 for before, after in itertools.pairwise(spoken) if before != after)
    return {
        "participantKind": kind if participants else None,
        "participants": participants,
        "participantCount": len(participants),
        "firstParticipant": spoken[0] if spoken else None,
        "changeCount": changes,
        "turnCount": len(turns),
        "turns": [_turn_fields(number, turn) for number, turn in enumerate(turns, start=1)],
    }


def talk_times(turns: Sequence[Turn]) -> Mapping[str, int]:
    """Sum of the lengths of turns by participant, in ms."""
    by_participant: dict[str, int] = {}
    for turn in turns:
        if turn.is_spoken and turn.participant and turn.begin_ms is not None and turn.end_ms is not None:
            length_ms = max(turn.end_ms - turn.begin_ms, 0)
            by_participant[turn.participant] = by_participant.get(turn.participant, 0) + length_ms
    return by_participant


def last_end_ms(turns: Iterable[Turn]) -> int | None:
    """Where the last turn ends; None without turns."""
    return max((end for turn in turns if (end := turn.end_ms or turn.begin_ms) is not None), default=None)


def _turn_fields(number: int, turn: Turn) -> dict[str, Any]:
    fields = {
        "number": number, "id": turn.id, "kind": turn.kind, "participant": turn.participant,
        "participantId": turn.participant_id, "beginMs": turn.begin_ms, "endMs": turn.end_ms,
        "occurredAt": turn.occurred_at, "contentType": turn.content_type, "content": turn.content,
        "sentiment": turn.sentiment, "details": turn.details,
    }  # fmt: skip
    return {key: value for key, value in fields.items() if value is not None}
