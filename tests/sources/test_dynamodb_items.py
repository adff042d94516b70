"""Items as flatten reads them: many at once read like one by one, whatever stands in them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.errors import RecordError
from trunkline.objects.model import Object
from trunkline.objects.post_call.call import CALL
from trunkline.objects.post_call.scorecard import SCORECARD, SKILLS
from trunkline.sources.dynamodb.items import Rules, read_item, texts_of


def texts(*values: str) -> st.SearchStrategy[Any]:
    return st.sampled_from([{"S": value} for value in values])


times = texts(
    "2026-02-11T14:34:19Z", "2026-02-11T14:34:19", "2026-02-11T14:34:19+02:00", "2025-10-08T14-34-19", "soon", ""
)
odd = st.sampled_from([{"N": "5"}, {"N": "1E5"}, {"NULL": True}, {"BOOL": False}, {"L": [{"S": "x"}]}, {"SS": ["b", "a"]},
                       {"S": "x", "N": "1"}, {"M": {}}, {"M": {"S": {"S": "x"}}}])  # fmt: skip
ids = texts("7", 'a "b" {c} \\', "ü") | odd
payloads = st.fixed_dictionaries(
    {}, optional={"queueId": ids, "agentName": ids, "inner": st.builds(lambda one: {"M": {"queueId": one}}, ids)}
)
calls = st.fixed_dictionaries(
    {"callId": texts("a", "b")},
    optional={
        "callTimestampUTC": times | odd,
        "queueId": ids,
        "payload": st.builds(lambda one: {"M": one}, payloads) | odd,
    },
)
skills = st.builds(
    lambda parts: {"M": parts}, st.fixed_dictionaries({}, optional={"score": odd | ids, "evidence": ids})
)
cards = st.fixed_dictionaries(
    {"guid": texts("a")},
    optional={
        "datetime": times | odd,
        "ingestedAt": times | odd,
        "scores": st.builds(
            lambda one: {"M": one},
            st.dictionaries(st.sampled_from([*list(SKILLS.values())[:2], "other"]), skills | odd, max_size=3),
        ) | odd,
    },
)  # fmt: skip
ARRIVED = datetime(2026, 2, 11, 15)
rules = st.sampled_from([Rules(), Rules(scorecard_zone="America/New_York")])


def told(found: bytes | RecordError) -> Any:
    """What a text says, whether a number in it is a text or not: that decides nothing for flatten."""
    if isinstance(found, RecordError):
        return str(found)
    return json.loads(json.dumps(json.loads(found), sort_keys=True), parse_int=str, parse_float=str)


def encoded(item: Any) -> bytes:
    return json.dumps(item, separators=(",", ":"), ensure_ascii=False).encode()


@pytest.mark.parametrize(("obj", "items"), [(CALL, calls), (SCORECARD, cards)], ids=["call", "scorecard"])
def test_blocks_of_items_read_like_single_items(obj: Object, items: st.SearchStrategy[Any]) -> None:
    """The same texts, and the same reasons where there is none."""

    @given(st.lists(items, max_size=6), rules)
    def check(made: list[Any], given_rules: Rules) -> None:
        typed = [encoded(one) for one in made]
        quick = texts_of(obj, typed, [ARRIVED] * len(typed), given_rules, {})
        careful = [read_item(obj, one, ARRIVED, given_rules) for one in typed]
        assert [told(one) for one in quick] == [told(one) for one in careful]

    check()


def test_a_queue_id_is_a_text_and_other_members_of_its_name_stay_unchanged() -> None:
    """Only in the payload it is the queue's; flatten keeps the others as what the catalogue does not know."""
    item = {"callId": {"S": "a"}, "queueId": {"N": "7"}, "payload": {"M": {"queueId": {"N": "7"}}}}
    for made in ([item], [item, {"callId": {"S": "b"}, "payload": {"M": {"queueId": {"N": "7"}}}}]):
        for text in texts_of(CALL, [encoded(one) for one in made], [ARRIVED] * len(made), Rules(), {}):
            assert isinstance(text, bytes)
            found = json.loads(text)
            assert found["payload"]["queueId"] == "7"
            assert found.get("queueId", 7) == 7
