"""One typed pass: what it proves of a record is so, and what it decodes is what stands there."""

from __future__ import annotations

import json
from typing import Any

from homes import NARROW, narrow
from hypothesis import given
from hypothesis import strategies as st

from trunkline.flatten.decode import RecordDecoder
from trunkline.sql.flatten.values import tree_of

DECODER = RecordDecoder(NARROW)
TREE = tree_of(NARROW)
KNOWN = sorted(TREE.known_keys(()))
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8), st.sampled_from(["2026-03-03T10:00:00Z", "\u2028", "/", "\x7f", "\U0001f600"]),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip
PAIRS = st.lists(st.tuples(st.sampled_from([*KNOWN, "Unknown", "é"]), VALUES), max_size=8)
Pairs = list[tuple[str, Any]]


def _text(pairs: Pairs, is_spaced: bool, is_ascii: bool) -> str:
    colon, comma = (": ", ", ") if is_spaced else (":", ",")

    def dumped(value: Any) -> str:
        return json.dumps(value, ensure_ascii=is_ascii, separators=(comma, colon))

    return "{" + comma.join(f"{dumped(key)}{colon}{dumped(value)}" for key, value in pairs) + "}"


@given(pairs=PAIRS, is_spaced=st.booleans(), is_ascii=st.booleans())
def test_what_is_proven_has_each_key_once_and_knows_it(pairs: Pairs, is_spaced: bool, is_ascii: bool) -> None:
    """Whatever stands in a record: as many bytes as its encoding has only one whose keys are known and not repeated."""
    decoded = DECODER.decode([_text(pairs, is_spaced, is_ascii).encode()])
    keys = [key for key, _ in pairs]
    if not decoded.refused and not decoded.unproven:
        assert len(set(keys)) == len(keys)
        assert set(keys) <= set(KNOWN)
        assert decoded.keys == dict.fromkeys(keys, 1)


@given(batch=st.lists(st.tuples(PAIRS, st.booleans()), min_size=1, max_size=5))
def test_values_are_those_of_the_record(batch: list[tuple[Pairs, bool]]) -> None:
    """In a batch each row has its own record's values, whatever its neighbours are."""
    texts = [_text(pairs, is_spaced, is_ascii=False) for pairs, is_spaced in batch]
    decoded = DECODER.decode([text.encode() for text in texts])
    for n, leaf in enumerate(TREE.leaves):
        values = decoded.values.get(n, [None] * len(texts))
        assert len(values) == len(texts)
        for row, text in enumerate(texts):
            expected = None if row in decoded.refused else json.loads(text).get(leaf.path[0])
            value = json.loads(values[row]) if isinstance(values[row], bytes) else values[row]
            assert (value, type(value)) == (expected, type(expected))


def test_the_usual_record_is_proven() -> None:
    """A record as Amazon writes it costs one pass: if none were proven, all would be slow and no test would tell."""
    record = narrow("c1", Score=5, Labels={"é": "1", "b": 'a "b" \\ c'}, Items=[{"N": 1}], Phone=None)
    compact = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
    decoded = DECODER.decode([compact] * 300)
    assert (decoded.refused, decoded.unproven) == (set(), [])


def test_a_minus_zero_is_read_with_care() -> None:
    """Its value is that of 0 and its text is not."""
    decoded = DECODER.decode([b'{"ContactId":"a","Score":-0}', b'{"ContactId":"b","Score": 0}'])
    assert (decoded.refused, decoded.unproven) == ({0}, [0, 1])
