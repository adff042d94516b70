"""Limits of services and of Trunkline itself: unit in the name, source beside the number."""

from __future__ import annotations

from typing import Final

MIB: Final = 1024 * 1024

# Ours: one batch is planned, put and merged as one. Large enough that DuckDB's cost of some 9 ms a query is
# small next to it, small enough that two in flight and the merge stay under 800 MB (742 MB; 16 MiB take 1,417 MB).
BATCH_BYTES_MAX: Final = 4 * MIB
# Ours: batches that are flattened at once. Each takes some 200 MB, so more cores would mean more memory.
FLATTEN_WORKERS_MAX: Final = 2
# Ours: a longer span is set aside; DuckDB's own default for one JSON object is 16 MiB.
RECORD_BYTES_MAX: Final = 16 * MIB
# Ours: a transcript file is read whole; four hours of speech with word timings on two channels have some 25 MB.
TRANSCRIPT_BYTES_MAX: Final = 64 * MIB
# Ours: a call without transcript is looked for again after 15 minutes, twice as long each time, once a day at most, and
# no more a month after the call: Transcribe keeps jobs 90 days, and what comes late is told by its notification.
ASK_AGAIN_S: Final = 900
ASK_AGAIN_S_MAX: Final = 86_400
ASK_DAYS_MAX: Final = 30
# Ours: calls looked for at once, and those after which what is known is written down.
ASK_WORKERS: Final = 4
ASK_CALLS: Final = 500
# Ours: the bytes of a dead letter that are kept.
DEAD_LETTER_BYTES_MAX: Final = MIB
# Ours: nesting deeper than this is set aside (a contact record nests 9 deep, `RoutingCriteria` expressions more).
JSON_DEPTH_MAX: Final = 256

# Design rule 5: implausible times are dead letters.
VERSION_AHEAD_S_MAX: Final = 86_400
EVENT_AHEAD_DAYS_MAX: Final = 400
EVENT_YEAR_MIN: Final = 2010

DEAD_LETTER_REASONS: Final = {
    "invalid_json": "the text is not JSON",
    "truncated": "the text ends inside a record",
    "invalid_utf8": "the bytes are not UTF-8",
    "not_an_object": "the JSON value is not an object",
    "too_long": "the record is longer than 16 MiB",
    "too_deep": "the record nests deeper than 256 levels",
    "corrupt_compression": "the compressed file is damaged or cut short",
    "duplicate_key": "the object names one key twice",
    "missing_key": "a column of the key is missing",
    "wrong_type": "a value does not fit its column's type",
    "unknown_shape": "the file is no transcript that is known",
    "implausible_time": "a time is outside 2010 to arrival + 400 days, or a version is a day after arrival",
}

# Ours: canonical texts of JSON values that a flattener remembers; beyond it values are canonicalized one by one.
JSON_MEMO_MAX: Final = 10_000
# Ours: records of a batch whose scalar types are compared with the catalogue.
DRIFT_SAMPLE_ROWS: Final = 64

# Redshift Data API (management guide, "Considerations when calling the Data API"; API reference, ClientToken).
DATA_API_RECORD_S: Final = 24 * 3600  # a statement can be described and listed
DATA_API_WAIT_S_MAX: Final = 30  # WaitTimeSeconds
DATA_API_BATCH_MAX: Final = 40  # statements of one BatchExecuteStatement
# Redshift database developer guide, stored procedure limits, names, VARCHAR.
PROCEDURE_ARGUMENTS_MAX: Final = 32
NAME_BYTES_MAX: Final = 127
TEXT_BYTES_MAX: Final = 65_535
# Ours: a release is a list of calls; its text travels in the answer, and a Lambda's answer has at most 6 MB.
RELEASE_BYTES_MAX: Final = 256 * 1024
# The mission's: how long one procedure may run, and how long the network may take.
RELEASE_CALL_S: Final = 300
CONNECT_S: Final = 10
READ_S: Final = 10
RETRIES: Final = 2
# Ours: what is left of a Lambda's time for writing down where the run is and answering.
LAMBDA_MARGIN_S: Final = 15
# EventBridge Scheduler starts a run within this after its time (User Guide, "Schedule types": 60 second precision); a
# run's own clock may be as far behind.
SCHEDULE_PRECISION_S: Final = 60
# Ours: windows that one run takes after an outage; the next run takes the rest.
WINDOWS_PER_RUN_MAX: Final = 1_000

# AWS Glue API reference: Column.Comment, BatchCreatePartition; Athena API reference: BatchGetNamedQuery.
GLUE_COMMENT_CHARS_MAX: Final = 255
GLUE_PARTITIONS_PER_CALL_MAX: Final = 100
ATHENA_NAMED_QUERIES_PER_CALL_MAX: Final = 50
