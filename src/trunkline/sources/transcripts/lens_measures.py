"""The measures of a Contact Lens or Call Analytics file, as the data lake's columns have them.

Source: facts of `contact_lens_conversational_analytics` (Connect administrator guide, data lake), the nesting from the
sample files. Measures are keyed by role, or by participant id, whose role is then looked up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from trunkline.errors import RecordError

_SIDES: Final = (("AGENT", "Agent"), ("CUSTOMER", "Customer"))


def measures(characteristics: Mapping[str, Any], roles: Mapping[str, str]) -> dict[str, Any]:
    """The measures by the record's keys, None where the file does not say; `talkTimes` are ms by role.

    RecordError or msgspec's ValidationError where a value has another shape.
    """
    at = _Reader(characteristics, roles)
    found: dict[str, Any] = {
        "conversation": at.ms("TotalConversationDurationMillis"),
        "nonTalkTotal": at.ms("NonTalkTime", "TotalTimeMillis"),
        "talkTotal": at.ms("TalkTime", "TotalTimeMillis"),
        "talkTimes": at.by_role(
            at.get("TalkTime", "DetailsByParticipant"), lambda one: _ms(one.get("TotalTimeMillis"))
        ),
        "greetingAgent": at.ms("ResponseTime", "AgentGreetingTimeMillis"),
        "interruptionsTimeTotal": at.ms("Interruptions", "TotalTimeMillis"),
        "interruptionsTotal": at.ms("Interruptions", "TotalCount"),
        "sentimentWithAgent": at.number(*_WITH_AGENT, "WithAgent"),
        "sentimentWithoutAgent": at.number(*_WITH_AGENT, "WithoutAgent"),
    }
    spoken = found["talkTimes"]
    interrupted = at.get("Interruptions", "InterruptionsByInterrupter")
    by_role = at.by_role(interrupted, lambda one: msgspec.convert(one, list[_Interruption]))
    speeds = at.by_role(at.get("TalkSpeed", "DetailsByParticipant"), lambda one: one.get("AverageWordsPerMinute"))
    overall = at.by_role(at.get("Sentiment", "OverallSentiment"), lambda one: one, is_open=True)
    overall |= at.by_role(at.get("Sentiment", "OverallSentiment", "DetailsByParticipantRole"), lambda one: one)
    shifts = at.by_role(
        at.get("Sentiment", "SentimentShift", "DetailsByParticipantRole"), lambda one: one.get("EndScore")
    )
    quarters = at.by_role(at.get("Sentiment", "SentimentByPeriod", "QUARTER"), _last_score)
    replies = at.by_role(at.get("ResponseTime", "DetailsByParticipantRole"), lambda one: msgspec.convert(one, dict))
    for role, side in _SIDES:
        found[f"talk{side}"] = spoken.get(role)
        found[f"speed{side}"] = _number(speeds.get(role))
        # The file names those who interrupted; whoever is not there did not.
        mine = by_role.get(role, [] if interrupted is not None else None)
        found[f"interruptions{side}"] = None if mine is None else len(mine)
        found[f"interruptionsTime{side}"] = (
            None if mine is None else sum(round(one.DurationMillis or 0) for one in mine)
        )
        found[f"sentiment{side}"] = _number(overall.get(role))
        found[f"sentimentEnd{side}"] = _number(shifts.get(role, quarters.get(role)))
        reply = _Reader(replies.get(role, {}), roles)
        found[f"responseAverage{side}"] = reply.ms("Average", "ValueMillis")
        found[f"responseMaximum{side}"] = reply.ms("Maximum", "ValueMillis")
    return found


_WITH_AGENT: Final = (
    "Sentiment", "OverallSentiment", "DetailsByInteraction", "DetailsByParticipantRole", "CUSTOMER",
)  # fmt: skip


class _Interruption(msgspec.Struct):
    DurationMillis: int | float | None = None


class _Period(msgspec.Struct):
    Score: int | float | None = None


class _Reader:
    """Values at paths of one object."""

    def __init__(self, node: Mapping[str, Any], roles: Mapping[str, str]) -> None:
        self.node, self.roles = node, roles

    def get(self, *path: str) -> Any:
        """The value at a path; None where it, or what leads to it, is not there."""
        node: Any = self.node
        for number, key in enumerate(path):
            if node is None:
                return None
            if not isinstance(node, dict):
                raise RecordError("wrong_type", f"{'.'.join(path[:number])} must be an object or null")
            node = node.get(key)
        return node

    def ms(self, *path: str) -> int | None:
        """A whole number."""
        return _ms(self.get(*path))

    def number(self, *path: str) -> float | None:
        """A number."""
        return _number(self.get(*path))

    def by_role(self, node: Any, value: Callable[[Any], Any], is_open: bool = False) -> dict[str, Any]:
        """Values keyed by role; with `is_open` other keys may stand beside the roles."""
        if node is None:
            return {}
        if not isinstance(node, dict):
            raise RecordError("wrong_type", "a measure by participant must be an object or null")
        found: dict[str, Any] = {}
        for key, one in node.items():
            role = self.roles.get(key, key)
            if one is not None and not (is_open and isinstance(one, dict)):
                try:
                    found[role] = value(one)
                except (AttributeError, TypeError) as error:
                    raise RecordError("wrong_type", f"a measure of {role} has another shape") from error
        return found


def _last_score(periods: Any) -> float | None:
    found = msgspec.convert(periods, list[_Period])
    return found[-1].Score if found else None


def _ms(value: Any) -> int | None:
    found = _number(value)
    return None if found is None else round(found)


def _number(value: Any) -> float | None:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise RecordError("wrong_type", "a measure is no number")
