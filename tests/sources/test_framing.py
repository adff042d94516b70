"""Every byte of a file becomes a record or a broken span, and a bad record costs only itself."""

from __future__ import annotations

import io
import json
import tracemalloc

import pytest
from framing_helpers import frame_all, strict_loads
from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline import limits
from trunkline.sources.files import framing
from trunkline.sources.files.framing import frame
from trunkline.sources.files.json_text import Span

A, B = '{"ContactId":"1","A":[1,{"x":"}{"}]}', '{"ContactId":"2"}'


def reasons(data: bytes) -> list[str]:
    return [span.reason for span in frame_all(data)[2]]


@pytest.mark.parametrize(
    "data",
    [A + B, A + "\n" + B + "\n", A + "\r\n \t" + B, f"[{A},{B}]", f" [ {A} ,\n {B} ] ", f"[{A}][{B}]", f"[{A}]{B}"],
    ids=["firehose", "ndjson", "white space", "array", "spaced array", "arrays back to back", "array then object"],
)
def test_every_framing_gives_the_same_records(data: str) -> None:
    """Objects are found whatever stands between them, at the offset of their first byte."""
    for mark in ("", "\ufeff"):
        raw = (mark + data).encode()
        texts, offsets, broken = frame_all(raw)
        assert (texts, broken) == ([A, B], [])
        assert [raw[at : at + len(text)].decode() for at, text in zip(offsets, texts, strict=True)] == texts


def test_pretty_printed_objects_are_records() -> None:
    """Spacing inside a record is kept as it is."""
    pretty = [json.dumps(json.loads(one), indent=2) for one in (A, B)]
    assert frame_all("\n".join(pretty).encode())[0] == pretty


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b" \n\t\r", []),
        (b"\xef\xbb\xbf", []),
        (b"x", ["invalid_json"]),
        (b"{", ["truncated"]),
        (b"}", ["invalid_json"]),
        (b"]", ["invalid_json"]),
        (b",", ["invalid_json"]),
        (b"[", ["truncated"]),
        (b'"', ["truncated"]),
        (b"\xff", ["invalid_utf8"]),
        (b"\x00", ["invalid_json"]),
        (b"7", ["not_an_object"]),
        (b'1 "x" [2,[3],null] true', ["not_an_object"] * 6),
        (b'{"a":1', ["truncated"]),
        (b'{"a":1.', ["truncated"]),
        (b'{"a":tru', ["truncated"]),
        (b"[" * 10_000, ["too_deep"]),
        (b"[" * 10_000 + b"]" * 10_000, ["too_deep"]),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, ["too_deep"]),
        ("hello".encode("utf-16"), ["invalid_utf8"]),
        (b'[{"a":1},]', ["invalid_json"]),
        (b'[{"a":1}', ["truncated"]),
        (b'"a","b"\n"c","d"\n', ["invalid_json", "invalid_json"]),
    ],
)
def test_what_is_not_a_record_is_one_span(data: bytes, expected: list[str]) -> None:
    """One span with its reason for each thing that is not a record."""
    assert reasons(data) == expected


BAD = [
    '{"a":NaN}',
    '{"a":Infinity}',
    '{"a":-Infinity}',
    '{"a":1,}',
    '{"a":[1,]}',
    "{'a':1}",
    '{"a":1 /*c*/}',
    '{"a":"\t"}',
    '{"a":"\x00"}',
    '{"a":01}',
    '{"a":1.}',
    '{"a":+1}',
    '{"a":.5}',
    '{"a":1e}',
    '{"a":-}',
    '{"a":"\\x"}',
    '{"a":"\\u12"}',
    "{a:1}",
    '{"a" 1}',
    '{"a":1 "b":2}',
    "{1:2}",
    "{,}",
    '{"a":(1)}',
    '{"a":1}}',
    "lone junk",
    '{"a":1]',
]


@pytest.mark.parametrize("bad", BAD)
def test_strict_json_only(bad: str) -> None:
    """Each extension of JSON is one span of its own between two good records, in every framing."""
    with pytest.raises(ValueError):  # noqa: PT011 - the words are Python's own
        strict_loads(bad)
    good_first = bad == '{"a":1}}'  # a record and a bracket too many
    for gap in ("\n", ""):
        texts, _, broken = frame_all((A + gap + bad + gap + B).encode())
        assert texts == ([A, '{"a":1}', B] if good_first else [A, B])
        assert [span.payload.decode() for span in broken] == ["}" if good_first else bad]
        assert broken[0].reason == "invalid_json"


@pytest.mark.parametrize("gap", ["", "\n"])
def test_a_truncated_record_leaves_the_next_one_whole(gap: str) -> None:
    """A record cut anywhere before a good one is one span, and the good one is read."""
    for cut in range(1, len(A)):
        texts, _, broken = frame_all((A[:cut] + gap + B + B).encode())
        assert texts == [B, B], cut
        assert [(span.offset, span.payload.decode()) for span in broken] == [(0, A[:cut])]


def test_a_broken_pretty_printed_record_is_one_span() -> None:
    """Its indented lines and closing brackets do not start anew; the next record's first line does."""
    bad = json.dumps({"a": [1, {"b": 2}], "c": 3}, indent=1).replace("3", "bad")
    good = json.dumps({"d": 4}, indent=1)
    texts, _, broken = frame_all(f"{bad}\n{good}\n{bad}\n".encode())
    assert texts == [good]
    assert [span.payload.decode() for span in broken] == [bad, bad]


def test_invalid_utf8_costs_only_its_record() -> None:
    """The record's end is certain, so the next one needs neither a newline nor a ContactId."""
    texts, _, broken = frame_all(b'{"a":1}{"b":"\xff"}{"c":3}')
    assert texts == ['{"a":1}', '{"c":3}']
    assert [(span.reason, span.payload) for span in broken] == [("invalid_utf8", b'{"b":"\xff"}')]


def test_numbers_and_broken_elements_of_an_array_leave_the_others() -> None:
    """An array goes on after broken text, up to its bracket, and what follows it is read too."""
    texts, _, broken = frame_all(f'[{A},7,{{"x":}},{B},\nbad,\n{B}]{A}'.encode())
    assert texts == [A, B, B, A]
    assert [span.payload for span in broken] == [b"7", b'{"x":},', b"bad,"]


@pytest.mark.parametrize("depth", [limits.JSON_DEPTH_MAX, limits.JSON_DEPTH_MAX + 1, 900])
def test_the_depth_limit_is_exact(depth: int) -> None:
    """256 levels are a record, 257 are not, alone or among many others, and the next record is whole."""
    deep = '{"a":' * depth + "1" + "}" * depth
    mixed = '{"a":[' * (depth // 2) + "{}" * (depth % 2) + "]}" * (depth // 2)
    for one in (deep, mixed):
        for data in (one + B, (A * 50) + one + (B * 50)):
            texts, _, broken = frame_all(data.encode())
            assert (one in texts) == (depth <= limits.JSON_DEPTH_MAX)
            assert texts[-1] == B
            assert [span.reason for span in broken] == (["too_deep"] if depth > limits.JSON_DEPTH_MAX else [])


def test_brackets_in_strings_and_side_by_side_are_not_depth() -> None:
    """Many brackets that do not nest are no reason to set a record aside."""
    wide = json.dumps({"ContactId": "1", "a": "[{" * 400, "b": [{}] * 400})
    assert frame_all((wide * 3).encode())[0] == [wide] * 3


def test_a_5_mb_record_is_a_record() -> None:
    """Large is not too long."""
    large = json.dumps({"ContactId": "1", "a": "x" * 5_000_000})
    assert frame_all((A + large + B).encode())[0] == [A, large, B]


def test_too_long_a_record_is_counted_whole_in_bounded_memory() -> None:
    """Its first MiB is kept, its length told, and the record after it read; memory does not follow its length."""
    size = 100 * limits.MIB
    parts = iter([A.encode(), b'{"ContactId":"9","a":"', *[b"x" * limits.MIB] * 100, b'"}', B.encode()])
    tracemalloc.start()
    blocks = list(frame(lambda _: next(parts, b"")))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [text for block in blocks for text in block.texts] == [A, B]
    (span,) = [span for block in blocks for span in block.broken]
    assert (span.reason, span.length, len(span.payload)) == ("too_long", size + 24, limits.DEAD_LETTER_BYTES_MAX)
    assert peak < 100 * limits.MIB


def test_duplicate_keys_are_left_to_the_next_stage() -> None:
    """The text is JSON, so it is a record here."""
    twice = '{"ContactId":"1","ContactId":"2"}'
    assert frame_all(twice.encode())[0] == [twice]


def test_damage_takes_the_record_that_was_cut() -> None:
    """Damage is one span: the cut record's text, or an empty one at the end."""
    for tail in ("", '{"x":'):
        texts, _, broken = frame_all((A + tail).encode(), damage="cut")
        assert texts == [A]
        assert [(s.offset, s.payload.decode(), s.reason) for s in broken] == [(len(A), tail, "corrupt_compression")]


PIECES = ["{", "}", "[", "]", ",", '"', ":", "\n", " ", "\\", "1", "x", "\x00", "é", "\ufeff", "\r\n  ", '{"ContactId":',
          '{"ContactId":"7"}', '{"a":[1,{"b":null}]}', "}{", "true", '"s"', "\n{", "-", "\\ud800", A, B]  # fmt: skip
SOUP = st.lists(st.sampled_from([piece.encode() for piece in PIECES]) | st.binary(max_size=3), max_size=30).map(
    b"".join
)


@pytest.mark.parametrize("text", ["\\ud800", "\\udc00\\ud800", "\\ud83d", "\\uDE00x", "\\\\\\ud83d"])
def test_half_of_a_surrogate_pair_is_a_record(text: str) -> None:
    """The grammar allows the escape: the record is given as it is, its neighbours too."""
    half = f'{{"ContactId":"{text}"}}'
    for separator in ("", "\n", " "):
        texts, offsets, broken = frame_all(separator.join((A, half, B)).encode())
        assert (texts, broken) == ([A, half, B], [])
        assert offsets == [0, len(A + separator), len(A + separator + half + separator)]


@given(SOUP, st.integers(1, 9), st.integers(1, 40))
@settings(max_examples=600, deadline=None)
def test_chunks_and_blocks_do_not_matter(data: bytes, chunk: int, block: int) -> None:
    """However the bytes come and wherever blocks end, the same is found; blocks resumed at their end too."""
    whole = frame_all(data)
    assert frame_all(data, chunk, block) == whole
    texts: list[str] = []
    offsets: list[int] = []
    broken: list[Span] = []
    start, is_last = 0, False
    while not is_last:
        stream = io.BytesIO(data[start:])
        one = next(iter(frame(stream.read, start, block_bytes=block)))
        assert one.end > start or one.is_last
        texts += one.texts
        offsets += one.offsets
        broken += one.broken
        start, is_last = one.end, one.is_last
    assert (texts, offsets, broken) == whole
    assert start == len(data)


@given(SOUP)
@settings(max_examples=400, deadline=None)
def test_every_byte_is_accounted_for_and_texts_are_strict(data: bytes) -> None:
    """Records and spans are disjoint, only separators lie between them, and each record is a strict object."""
    texts, offsets, broken = frame_all(data)
    found = [(at, len(text.encode())) for at, text in zip(offsets, texts, strict=True)]
    found += [(span.offset, span.length) for span in broken]
    at = 3 if data.startswith(b"\xef\xbb\xbf") else 0
    for begin, size in sorted(found):
        assert begin >= at
        assert not data[at:begin].strip(b" \t\r\n,[]")
        at = begin + size
    assert not data[at:].strip(b" \t\r\n,[]")
    for begin, text in zip(offsets, texts, strict=True):
        assert isinstance(strict_loads(text), dict)
        assert data[begin : begin + len(text.encode())] == text.encode()


@given(st.lists(st.sampled_from([A, B, '{"ContactId":"é"}', '{"q":7}']) | st.sampled_from(BAD), max_size=60),
       st.sampled_from(["", "\n", " ", "\r\n"]))  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_strides_find_what_single_steps_find(records: list[str], gap: str) -> None:
    """Taking many records at once never changes what is found."""
    for data in (gap.join(records), "[" + ("," + gap).join(records) + "]"):
        raw = data.encode()
        fast = frame_all(raw)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(framing, "STRIDE_BYTES", 0)
            assert frame_all(raw) == fast


@given(
    st.lists(st.tuples(st.booleans(), st.dictionaries(st.text(max_size=5), st.text() | st.integers(), max_size=4))),
    st.sampled_from([None, 1, 4]),
    st.sampled_from(["", "\n", "\r\n", " "]),
    st.integers(1, 50),
)
@settings(max_examples=300, deadline=None)
def test_good_records_come_out_exactly_with_damage_between(
    rows: list[tuple[bool, dict[str, object]]], indent: int | None, gap: str, chunk: int
) -> None:
    """Any records in any layout, broken ones between them: good ones exactly, one span for each run of broken ones."""
    texts: list[str] = []
    runs, was_bad = 0, False
    parts = []
    for is_bad, row in rows:
        text = json.dumps({"ContactId": "é", **row, "z": 1}, indent=indent, ensure_ascii=bool(row))
        if is_bad:
            # without a newline the next good record ends a broken one, so broken neighbours are one span
            parts.append(text[:-1].rstrip().replace('"z": 1', '"z":'))
            runs += gap.endswith("\n") or not was_bad
        else:
            texts.append(text)
            parts.append(text)
        was_bad = is_bad
    got, _, broken = frame_all(gap.join(parts).encode(), chunk)
    assert got == texts
    assert len(broken) == runs


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=4),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)),
       st.data())  # fmt: skip
@settings(max_examples=400, deadline=None)
def test_the_grammar_is_that_of_the_reference(value: object, data: st.DataObject) -> None:
    """A mutated object is a record exactly if the strict reference parser takes it."""
    text = json.dumps({"v": value}, ensure_ascii=data.draw(st.booleans()))
    at = data.draw(st.integers(0, len(text) - 1))
    with_what = data.draw(
        st.sampled_from(["", "0", ".", "e", "-", ",", '"', "\\", "}", "]", "\x1f", "N", "\\u00e", " "])
    )
    text = "{" + (text[:at] + with_what + text[at + 1 :])[1:]
    try:
        is_object = isinstance(strict_loads(text), dict)
    except (ValueError, UnicodeError):
        is_object = False
    assert (frame_all(text.encode())[0] == [text.rstrip()]) == is_object
