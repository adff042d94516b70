"""DuckDB functions with Trino's meaning that are too long to write into a query.

A translated query runs in a session that has them. Their names begin with `trino_`. Where Trino fails, they fail by a
cast of the message, since DuckDB's own error() is refused within TRY.
"""

from __future__ import annotations

from typing import Final

_SOURCE: Final = r"""
-- Zones. Which of two instants with one wall clock is taken, and how a gap is passed, is as in the library that Trino
-- uses (Joda): the offset is looked up at the wall clock as if it were UTC, and then at the instant that this gives.
trino_wall_clock(instant, zone) AS timezone(zone, timezone('UTC', instant));

trino_offset_at(instant, zone) AS trino_wall_clock(instant, zone) - instant;

trino_second_offset(clock, zone) AS trino_offset_at(clock - trino_offset_at(clock, zone), zone);

trino_instant(clock, zone) AS clock - CASE
    WHEN trino_offset_at(clock, zone) < to_seconds(0)
        AND trino_offset_at(clock - trino_second_offset(clock, zone), zone) <> trino_second_offset(clock, zone)
    THEN trino_offset_at(clock, zone)
    ELSE trino_second_offset(clock, zone) END;

trino_moved(clock, zone, instant) AS CASE
    WHEN trino_wall_clock(clock - trino_offset_at(instant, zone), zone) = clock
    THEN clock - trino_offset_at(instant, zone)
    ELSE trino_instant(clock, zone) END;

trino_offset(clock, instant) AS CASE WHEN clock = instant THEN 'Z' ELSE
    CASE WHEN clock < instant THEN '-' ELSE '+' END
    || printf('%02d:%02d', CAST(abs(date_diff('minute', instant, clock)) // 60 AS INTEGER),
              CAST(abs(date_diff('minute', instant, clock)) % 60 AS INTEGER)) END;

-- Times
trino_date(text) AS CASE
    WHEN text IS NULL OR regexp_full_match(text, '\s*[+-]?[0-9]{4,}-[0-9]{1,2}-[0-9]{1,2}\s*')
    THEN CAST(ltrim(trim(text), '+') AS DATE)
    ELSE CAST('this text is not supported here as a date: ' || text AS DATE) END;

trino_iso8601(text) AS CASE
    WHEN text IS NULL OR regexp_full_match(
        text, '\d{4}-\d\d-\d\d(T(\d\d(:\d\d(:\d\d([.,]\d+)?)?)?)?(Z|[+-]\d\d(:?\d\d)?)?)?')
    THEN date_trunc('milliseconds', timezone('UTC', CAST(replace(text, ',', '.') AS TIMESTAMPTZ)))
    ELSE CAST('from_iso8601_timestamp: the text is no ISO 8601 timestamp: ' || text AS TIMESTAMP) END;

trino_dates(low, high, days) AS CASE
    WHEN days = 0 OR abs((high - low) // days) >= 10000
    THEN [CAST('sequence: more than 10000 entries from ' || low AS DATE)]
    ELSE list_transform(
        range(0, CASE WHEN sign(high - low) * sign(days) < 0 THEN 0 ELSE (high - low) // days + 1 END),
        lambda i: CAST(low + CAST(i * days AS INTEGER) AS DATE)) END;

-- Numbers as text: one digit before the point, and an exponent.
trino_scientific(plain) AS list_transform(
    [struct_pack(
        whole := split_part(regexp_extract(plain, '^[0-9.]+'), '.', 1),
        digits := replace(regexp_extract(plain, '^[0-9.]+'), '.', ''),
        power := CAST(coalesce(nullif(regexp_extract(plain, 'e(.*)$', 1), ''), '0') AS INTEGER))],
    lambda n: left(trim(n.digits, '0'), 1) || '.' || coalesce(nullif(substr(trim(n.digits, '0'), 2), ''), '0') || 'E'
        || (n.power + length(n.whole) - 1 - (length(n.digits) - length(ltrim(n.digits, '0')))))[1];

trino_double_text(x) AS CASE
    WHEN isnan(x) THEN 'NaN'
    WHEN isinf(x) THEN CASE WHEN x > 0 THEN 'Infinity' ELSE '-Infinity' END
    WHEN x = 0 THEN CASE WHEN CAST(x AS VARCHAR) LIKE '-%' THEN '-0E0' ELSE '0E0' END
    ELSE CASE WHEN x < 0 THEN '-' ELSE '' END || trino_scientific(CAST(abs(x) AS VARCHAR)) END;

-- Texts
trino_substr(text, start, size) AS CASE
    WHEN text IS NULL OR start IS NULL OR size IS NULL THEN NULL
    WHEN start = 0 OR size <= 0 OR -start > length(text) THEN ''
    ELSE substr(text, start, size) END;

trino_split_part(text, mark, n) AS string_split(text, mark)[CASE
    WHEN n < 1 THEN CAST('split_part: the number of the part must be above zero, seen ' || n AS BIGINT) ELSE n END];

trino_split_to_map(text, between, within) AS map_from_entries(list_transform(
    string_split(text, between),
    lambda pair: struct_pack(k := string_split(pair, within)[1], v := string_split(pair, within)[2])));

trino_upper(text) AS replace(upper(replace(text, 'ß', chr(57344))), chr(57344), 'ß');

trino_url_encode(text) AS replace(replace(replace(url_encode(text), '%20', '+'), '~', '%7E'), '%2A', '*');

-- Lists. Trino keeps the first of equal elements, in order, NULL among them.
trino_nulls(list) AS len(list_filter(list, lambda x: x IS NULL));

trino_distinct(list) AS list_filter(list, lambda x, i: CASE
    WHEN x IS NULL THEN trino_nulls(list[:i]) = 1 ELSE list_position(list, x) = i END);

trino_has(list, x) AS CASE WHEN x IS NULL THEN trino_nulls(list) > 0 ELSE list_contains(list, x) END;

trino_contains(list, x) AS CASE
    WHEN list IS NULL OR x IS NULL THEN NULL
    WHEN list_contains(list, x) THEN true
    WHEN trino_nulls(list) > 0 THEN NULL ELSE false END;

trino_overlap(a, b) AS CASE
    WHEN a IS NULL OR b IS NULL THEN NULL
    WHEN list_has_any(a, b) THEN true
    WHEN (len(b) > 0 AND trino_nulls(a) > 0) OR (len(a) > 0 AND trino_nulls(b) > 0) THEN NULL ELSE false END;

trino_position(list, x) AS CASE
    WHEN list IS NOT NULL AND x IS NOT NULL THEN CAST(coalesce(list_position(list, x), 0) AS BIGINT) END;

trino_extreme(list, value) AS CASE WHEN trino_nulls(list) > 0 THEN NULL ELSE value END;

trino_item(list, i) AS CASE
    WHEN list IS NULL OR i IS NULL THEN NULL
    WHEN i < 1 OR i > len(list) THEN list[CAST('array subscript out of bounds: ' || i AS BIGINT)]
    ELSE list[i] END;

trino_element(list, i) AS CASE
    WHEN list IS NULL THEN NULL
    WHEN i = 0 THEN list[CAST('element_at: array indices start at 1, seen ' || i AS BIGINT)]
    ELSE list[i] END;

trino_slice(list, start, size) AS CASE
    WHEN list IS NULL OR start IS NULL OR size IS NULL THEN NULL
    WHEN start = 0 OR size < 0 THEN list[CAST('slice: array indices start at 1, seen ' || start AS BIGINT):0]
    WHEN size = 0 OR -start > len(list) THEN list[1:0]
    WHEN start < 0 THEN list[len(list) + start + 1 : len(list) + start + size]
    ELSE list[start : start + size - 1] END;

trino_sequence(low, high, step) AS CASE
    WHEN step = 0 OR abs((high - low) // step) >= 10000
    THEN [CAST('sequence: more than 10000 entries from ' || low AS BIGINT)]
    WHEN (high - low) * step < 0 THEN [CAST('sequence: the step leads away from the end: ' || step AS BIGINT)]
    ELSE range(low, high + sign(step), step) END;

trino_any(flags) AS CASE
    WHEN flags IS NULL THEN NULL
    WHEN list_contains(flags, true) THEN true
    WHEN trino_nulls(flags) > 0 THEN NULL ELSE false END;

trino_all(flags) AS CASE
    WHEN flags IS NULL THEN NULL
    WHEN list_contains(flags, false) THEN false
    WHEN trino_nulls(flags) > 0 THEN NULL ELSE true END;

-- Maps. An aggregate leaves out NULL keys, and keeps one value of a key that comes twice.
trino_value(map, key) AS CASE
    WHEN map IS NULL THEN NULL
    WHEN NOT list_contains(map_keys(map), key)
    THEN map_values(map)[CAST('key not present in map: ' || CAST(key AS VARCHAR) AS BIGINT)]
    ELSE map[key] END;

trino_map(entries) AS map_from_entries(list_filter(entries, lambda e, i:
    e.k IS NOT NULL AND list_position(list_transform(entries, lambda x: x.k), e.k) = i));

-- JSON. Trino keeps a number as it is written, DuckDB rewrites one with a fraction: the text shows how it was written,
-- unless it writes the same number in two ways.
trino_written(text, value) AS list_filter(
    list_distinct(regexp_extract_all(text, '-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?')),
    lambda n: try_cast(n AS DOUBLE) = value);

trino_number(text, value) AS CASE
    WHEN len(trino_written(text, value)) = 1 THEN trino_written(text, value)[1]
    ELSE CAST(CAST('json_extract_scalar of a number that a text writes in two ways is not supported here: ' || text
                   AS DOUBLE) AS VARCHAR) END;

trino_scalar(text, path) AS CASE try(json_type(text, path))
    WHEN 'OBJECT' THEN NULL WHEN 'ARRAY' THEN NULL WHEN 'NULL' THEN NULL
    WHEN 'DOUBLE' THEN trino_number(text, TRY_CAST(json_extract_string(text, path) AS DOUBLE))
    ELSE try(json_extract_string(text, path)) END;

trino_json_text(json) AS CASE json_type(json)
    WHEN 'NULL' THEN NULL
    WHEN 'DOUBLE' THEN trino_double_text(TRY_CAST(json AS DOUBLE))
    WHEN 'OBJECT' THEN CAST(CAST('an object of JSON has no CAST to varchar; use json_format' AS INTEGER) AS VARCHAR)
    WHEN 'ARRAY' THEN CAST(CAST('an array of JSON has no CAST to varchar; use json_format' AS INTEGER) AS VARCHAR)
    ELSE json_extract_string(json, '$') END;
"""

MACROS: Final = tuple(
    f"CREATE OR REPLACE TEMP MACRO {macro}"
    for text in _SOURCE.split(";\n")
    if (macro := "\n".join(line for line in text.strip().splitlines() if not line.startswith("--")))
)
"""The statements that create them, in the order that they use each other."""
