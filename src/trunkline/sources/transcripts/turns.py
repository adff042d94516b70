"""The turns of a conversation, from words or from what a file lists, and the fields that follow from them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

PAUSE_MS: Final = 2_000
"""Our choice: a speaker who continues after such a pause begins a new turn."""
INTERRUPTION_MS: Final = 500
"""Our choice: so much speech of another channel in the silence of this one ends its turn, or half of a shorter word."""
LISTENERS: Final = frozenset({"SYSTEM", "CUSTOM_BOT", "BOT", "SUPERVISOR"})
"""Roles that take no part in the conversation."""
# Scripts without spaces between words: Thai, Lao, Tibetan, Myanmar, Khmer, kana, Han, full-width forms.
_UNSPACED: Final = re.compile(
    "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u19e0-\u19ff\u3000-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff00-\uff9f\uffe0-\uffee\U00020000-\U0003ffff]"
)


class Word(NamedTuple):
    """A word with its punctuation and times.

    `place` counts the words of the transcript's own text, and `separator` is what that has before the word; None where
    the text does not have the word at that place.
    """

    text: str
    label: str | None
    begin_ms: int
    end_ms: int | None
    place: int
    separator: str | None

    @property
    def last_ms(self) -> int:
        """Its end, or its begin where the file has no end."""
        return self.begin_ms if self.end_ms is None else self.end_ms


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


@dataclass(slots=True)
class _OpenTurn:
    """A turn while words are added. `others` are the words of other channels since its last word, in order of begin."""

    turn: Turn
    words: list[Word]
    others: list[Word] = field(default_factory=list)

    def add(self, word: Word) -> None:
        """Add the next word."""
        self.words.append(word)
        if word.end_ms is not None:
            self.turn.end_ms = max(self.turn.end_ms or 0, word.end_ms)
        self.others = [other for other in self.others if other.last_ms > word.begin_ms]

    def is_ended_by(self, word: Word) -> bool:
        """Whether the next word of the same channel begins a new turn, after a pause or another channel's speech."""
        end_ms = max(self.turn.end_ms or 0, self.words[-1].last_ms)
        if word.begin_ms - end_ms >= PAUSE_MS:
            return True
        return any(_fills_silence(other, end_ms, word.begin_ms) for other in self.others)


def turns_of_words(words: Iterable[Word], is_by_channel: bool) -> list[Turn]:
    """Turns from words, in order of begin.

    A turn ends where another participant speaks, or after a pause. On channels people also speak at the same time:
    another channel's speech ends a turn there only if it fills a silence of this one. Words are joined as the
    transcript's own text has them, and where that says nothing, as their scripts are written.
    """
    open_turns: dict[str | None, _OpenTurn] = {}
    all_turns: list[_OpenTurn] = []
    ordered = sorted(words, key=lambda word: word.begin_ms) if is_by_channel else words
    for word in ordered:
        channel = word.label if is_by_channel else None
        current = open_turns.get(channel)
        if current is None or current.turn.participant != word.label or current.is_ended_by(word):
            current = open_turns[channel] = _OpenTurn(Turn(None, word.label, word.begin_ms, word.end_ms), [])
            all_turns.append(current)
        current.add(word)
        for other_channel, other in open_turns.items():
            if other_channel != channel:
                other.others.append(word)
    for open_turn in all_turns:
        open_turn.turn.content = join_words(open_turn.words)
    return sorted((each.turn for each in all_turns), key=lambda turn: (turn.begin_ms or 0, turn.participant or ""))


def _fills_silence(other: Word, begin_ms: int, end_ms: int) -> bool:
    """Whether at least half of another channel's word, or a long part of it, is between two times."""
    length_ms = other.last_ms - other.begin_ms
    if length_ms <= 0:
        return begin_ms <= other.begin_ms <= end_ms
    overlap_ms = min(other.last_ms, end_ms) - max(other.begin_ms, begin_ms)
    return overlap_ms > 0 and overlap_ms >= min(length_ms / 2, INTERRUPTION_MS)


def join_words(words: Sequence[Word]) -> str:
    """The text of a turn."""
    parts = [words[0].text] if words else []
    for before, word in itertools.pairwise(words):
        is_next = word.separator is not None and word.place == before.place + 1
        parts += (word.separator or "" if is_next else separator_of(before.text, word.text), word.text)
    return "".join(parts)


def separator_of(before: str, after: str) -> str:
    """What separates two words by their scripts: nothing where one of them is written without spaces."""
    is_unspaced = _UNSPACED.match(before[-1:]) or _UNSPACED.match(after[:1])
    return "" if is_unspaced or not before or not after else " "


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
