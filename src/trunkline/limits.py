"""Limits of services and of Trunkline itself: unit in the name, source beside the number."""

from __future__ import annotations

from typing import Final, NamedTuple

MIB: Final = 1024 * 1024

# Ours: one batch is planned, put and merged as one. Large enough that a batch's own cost of some 25 ms and a file's in
# the lake are small next to it, small enough that two in flight and the merge stay under 800 MB.
BATCH_BYTES_MAX: Final = 16 * MIB
# Ours: a million rows of a table took 596 to 656 MB in batches of 16 MiB, and 548 to 585 MB in these (two threads).
TABLE_BATCH_BYTES_MAX: Final = 12 * MIB
# Ours: the first batches of files are this small, so that a short load has work for two cores; then they grow.
BATCH_BYTES_FIRST: Final = 4 * MIB
# Ours: a load of more than this starts a second process, which costs half a second of CPU time.
FLATTEN_PROCESS_AFTER_BYTES: Final = 12 * MIB
# Ours: batches that are flattened at once. Each takes some 200 MB, so more cores would mean more memory.
FLATTEN_WORKERS_MAX: Final = 2
# Ours: a larger block of Hadoop's Snappy is no block; Hadoop's own default is 256 KiB.
SNAPPY_BLOCK_BYTES_MAX: Final = 16 * MIB
# Ours: envelopes within envelopes are undone up to this depth (Firehose's error of a log event of an SNS message).
ENVELOPE_DEPTH_MAX: Final = 4
# Ours: compression within compression is undone up to this depth.
COMPRESSION_DEPTH_MAX: Final = 4
# Ours: a longer span is set aside; DuckDB's own default for one JSON object is 16 MiB.
RECORD_BYTES_MAX: Final = 16 * MIB
# Ours: a transcript file is read whole; four hours of speech with word timings on two channels have some 25 MB.
TRANSCRIPT_BYTES_MAX: Final = 64 * MIB
# Ours: a call's transcript is looked for again after 15 minutes, then after twice as long each time, at least once a
# day, and no more after a month: Transcribe keeps jobs for 90 days, and S3 notifications announce late transcripts.
LOOKUP_WAIT_S: Final = 900
LOOKUP_WAIT_S_MAX: Final = 86_400
LOOKUP_DAYS_MAX: Final = 30
# Ours: calls looked for at once, and after how many the state is saved.
LOOKUP_WORKERS: Final = 4
# Ours: how long a function waits for the transcripts of a batch of calls: the shard waits as long.
TRANSCRIPT_SEARCH_S_MAX: Final = 5
LOOKUP_CALLS: Final = 500
# Ours: rows that a connection to PostgreSQL converts before it sends them.
POSTGRES_COPY_ROWS: Final = 4_096
# Ours: source records that are merged in one transaction, unless one batch has more.
MERGE_ROWS_MAX: Final = 100_000
# Ours: where the files of a batch have fewer rows than this, its merge reads one file of all of them instead.
SMALL_FILE_ROWS: Final = 1_000
# DynamoDB keeps stream records for 24 hours, and Lambda delivers them again until then (developer guide, streams).
DELIVERY_RETRY_S_MAX: Final = 86_400
# Ours: dead letters that are run again as one batch, each with up to a MiB of bytes.
REPLAY_LETTERS_MAX: Final = 2_000
# Ours: the bytes of a dead letter that are kept.
DEAD_LETTER_BYTES_MAX: Final = MIB
# Ours: a row of CSV that is longer has a quotation mark that does not end; what follows its first line is read anew.
ROW_BYTES_MAX: Final = MIB
# Ours: nesting deeper than this is set aside (a contact record nests 9 deep, `RoutingCriteria` expressions more).
JSON_DEPTH_MAX: Final = 256

# A heartbeat follows when an agent had no other event for so long (administrator guide, agent event stream model).
AGENT_HEARTBEAT_S: Final = 120
# Ours: an agent's state counts until the next event, at most this long: after seven missing heartbeats it is unknown.
AGENT_SILENCE_S_MAX: Final = 900

# Design rule 5: implausible times are dead letters.
VERSION_AHEAD_S_MAX: Final = 86_400
EVENT_AHEAD_DAYS_MAX: Final = 400
EVENT_YEAR_MIN: Final = 2010
EVENT_YEAR_MAX: Final = (
    2039  # the last of projected partitions and d_date; each year adds 372 locations to a query without dates
)


class Reason(NamedTuple):
    """Why a record is set aside, and what a person can do about it."""

    meaning: str
    what_to_do: str


_REASONS: Final = {
    "invalid_json": Reason(
        "the text is not JSON",
        "Look at the bytes: two writers to one file, or a tool that wrote text between the records. Fix the "
        "writer and load the corrected file.",
    ),
    "truncated": Reason(
        "the text ends inside a record",
        "A write was cut off. The contact comes again with its next version. Otherwise load the file again "
        "when it is complete: a changed file is a new version and is read.",
    ),
    "invalid_utf8": Reason(
        "the bytes are not UTF-8",
        "The file was re-encoded on its way. Load the original.",
    ),
    "not_an_object": Reason(
        "the JSON value is not an object",
        "A number or a text was found where a record belongs. Nothing to fix unless there are many.",
    ),
    "too_long": Reason(
        "the record is longer than 16 MiB",
        "No contact record is that large; find out what wrote it. Only its first MiB is kept, so it cannot be "
        "replayed.",
    ),
    "too_deep": Reason(
        "the record nests deeper than 256 levels",
        "Nothing that Connect writes nests so deep; find out what wrote it.",
    ),
    "corrupt_compression": Reason(
        "the compressed file is damaged or cut short",
        "Copy the file again from its origin and load it again. Records before the damage are loaded.",
    ),
    "duplicate_key": Reason(
        "the object names one key twice",
        "One of two values would be lost silently, so neither is used. Fix the writer.",
    ),
    "missing_key": Reason(
        "a column of the key is missing",
        "Without the key there is no row to file it under. For an object of your own: is `path` right in "
        "`objects.toml`?",
    ),
    "wrong_type": Reason(
        "a value does not fit its column's type",
        "The detail names the column. If the value is a mistake, fix the writer; if the declaration is too "
        "narrow, correct it and replay.",
    ),
    "refused_length": Reason(
        "the warehouse refuses a value: it is longer than its column there",
        "The record is in the lake but not in this warehouse. The detail names the column and its limit. "
        "Widen the column (`length_max` of an object of your own, `warehouse install`), then replay.",
    ),
    "refused_character": Reason(
        "the warehouse refuses a value: it holds U+0000",
        "The record is in the lake; PostgreSQL and Redshift cannot store U+0000. Fix the writer; the next "
        "version of the record loads.",
    ),
    "refused_number": Reason(
        "the warehouse refuses a value: a number in it is out of range there",
        "The record is in the lake with its number unchanged; no server stores a number of that size. Fix the "
        "writer; the next version of the record loads.",
    ),
    "unknown_shape": Reason(
        "the file is not a known kind of transcript",
        "Check whether the file is a transcript at all; a new kind needs a reader in `sources/`.",
    ),
    "missing_image": Reason(
        "the change of an item has no new image",
        "Set the stream's view type to NEW_AND_OLD_IMAGES (`trunkline enable-stream TABLE`), then run a "
        "backfill for what was missed.",
    ),
    "rule_failed": Reason(
        "a rule of the object cannot be applied to a value",
        "An expression in `sql` of a column raised an error, such as a cast of a text that is no number. Use TRY_CAST "
        "or try_strptime where NULL will do, correct the rule, and replay.",
    ),
    "invalid_row": Reason(
        "the text is not a row of the table",
        "It has more or fewer values than the header row, or a quotation mark that does not end. The kept bytes are "
        "the header row and the row. Correct the file and load it again: a changed file is a new version and is read.",
    ),
    "implausible_time": Reason(
        "a time is outside 2010 to arrival + 400 days, or a version is a day after arrival",
        "A clock was wrong, or a time is in another unit. Fix the writer.",
    ),
}
DEAD_LETTER_REASONS: Final = {code: reason.meaning for code, reason in _REASONS.items()}
"""What each reason code of a dead letter means."""
DEAD_LETTER_ACTIONS: Final = {code: reason.what_to_do for code, reason in _REASONS.items()}
"""What to do about each."""

# Ours: texts of one leaf that a flattener caches; beyond it the cache is emptied.
LEAF_MEMO_MAX: Final = 10_000

# Ours: how long a loader waits for another that has locked the table, before it fails and names it.
LOCK_WAIT_S: Final = 60
# Ours: how long a loader waits for a query on the warehouse file, which locks it.
READER_WAIT_S_MAX: Final = 3_600
# Redshift Data API (management guide, "Considerations when calling the Data API"; API reference, ClientToken).
DATA_API_RECORD_S: Final = 24 * 3600  # a statement can be described and listed
DATA_API_WAIT_S_MAX: Final = 30  # WaitTimeSeconds
DATA_API_BATCH_MAX: Final = 40  # statements of one BatchExecuteStatement
DATA_API_STATEMENT_BYTES_MAX: Final = 200_000  # 200 KB; whether values count is not said, so they do
# Ours: a load's transaction that takes longer is cancelled; the next run finds out whether it was committed.
LOAD_STATEMENT_S: Final = 3_600
# Ours: batches of one transaction: 14 statements around them, two for each, two more for each replay; at most 40.
LOAD_BATCHES_MAX: Final = 6
# Ours: how often a load is tried after a conflict with another transaction, and the pause before the second try,
# doubled each time.
LOAD_CONFLICT_TRIES: Final = 5
LOAD_CONFLICT_PAUSE_S: Final = 2.0
# Redshift database developer guide, stored procedure limits, names, VARCHAR.
PROCEDURE_ARGUMENTS_MAX: Final = 32
NAME_BYTES_MAX: Final = 127
TEXT_BYTES_MAX: Final = 65_535  # VARCHAR; also of any column whose length nobody has published
# Ours: a SUPER value may have 16 MB, but a row of COPY from JSON has at most 4 MB (COPY from JSON format).
NESTED_BYTES_MAX: Final = 1_000_000
# PostgreSQL, "Identifiers and Key Words": NAMEDATALEN less one.
POSTGRES_NAME_BYTES_MAX: Final = 63
# S3 API reference, DeleteObjects.
S3_DELETE_KEYS_MAX: Final = 1_000
# DynamoDB developer guide, "Supported data types and naming rules" and quotas; Streams API reference, GetRecords.
DYNAMODB_DIGITS_MAX: Final = 38
DYNAMODB_EXPONENT_MIN: Final = -130
DYNAMODB_EXPONENT_MAX: Final = 125
DYNAMODB_NESTING_MAX: Final = 32
GET_RECORDS_MAX: Final = 1_000
# Kinesis Data Streams API reference, GetRecords: Limit.
KINESIS_GET_RECORDS_MAX: Final = 10_000
# SQS API reference: messages of one call, the longest poll, and for how long a queue keeps a message at most.
SQS_MESSAGES_PER_CALL_MAX: Final = 10
SQS_POLL_S_MAX: Final = 20
SQS_KEPT_S_MAX: Final = 14 * 86_400
# Ours: messages of one batch, whose plan names each of them; for how long a message that is read is hidden from other
# readers, renewed while it is worked on; deliveries after which a message is a batch of its own.
SQS_BATCH_MESSAGES_MAX: Final = 500
SQS_HIDDEN_S: Final = 120
SQS_DELIVERIES_MAX: Final = 5
# Ours: how long a run that discovers files waits for a message before it takes the queue to be empty.
SQS_DISCOVERY_POLL_S: Final = 1
# Ours: tries of a request to an API that is throttled or fails for a moment, the pause before the third try (doubled
# each time), and the longest pause that is waited for, also where the service asks for a longer one.
API_TRIES: Final = 6
API_BACKOFF_S: Final = 1.0
API_BACKOFF_S_MAX: Final = 60
API_WAIT_S_MAX: Final = 300
# Google's requests may take 180 s (Sheets API, "Usage limits"), Salesforce's 120 s.
API_READ_S: Final = 190
# Ours: bytes of one answer of a JSON API, pages of one reading, pages of one batch.
API_ANSWER_BYTES_MAX: Final = 64 * MIB
API_PAGES_MAX: Final = 100_000
API_BATCH_PAGES_MAX: Final = 256
# Ours: records that a reading remembers, so that the next one does not load them again; beyond it the newest.
API_SEEN_MAX: Final = 200_000
# Sheets API: numbers are doubles, of which a cell shows 15 digits.
SHEET_DIGITS_MAX: Final = 15
# Salesforce REST API developer guide: `getDeleted` goes back 15 days. Bulk API 2.0: results are read in pages.
SALESFORCE_API_VERSION: Final = "62.0"
SALESFORCE_DELETED_DAYS_MAX: Final = 15
# Ours: records from which the Bulk API is used, of one page of its results, and how a job is waited for.
SALESFORCE_REST_RECORDS_MAX: Final = 50_000
SALESFORCE_BULK_PAGE_RECORDS: Final = 10_000
SALESFORCE_BULK_POLL_S: Final = 2.0
SALESFORCE_BULK_POLL_S_MAX: Final = 30.0
SALESFORCE_BULK_WAIT_S_MAX: Final = 3 * 3_600
# Ours: a release is a list of calls; its text travels in the answer, and a Lambda's answer has at most 6 MB.
RELEASE_BYTES_MAX: Final = 256 * 1024
# The default of a release: how long one procedure may run, and how long the network may take.
RELEASE_CALL_S: Final = 300
CONNECT_S: Final = 10
READ_S: Final = 10
RETRIES: Final = 2
# Lambda developer guide, quotas: request and response of an invocation.
LAMBDA_ANSWER_BYTES_MAX: Final = 6 * MIB
# Lambda developer guide, quotas: a function's code unzipped, its layers included.
LAMBDA_UNZIPPED_MB_MAX: Final = 250
# Ours: points of one write of a function, and what a delivery repeats at most where one fails.
PERSIST_POINTS_MAX: Final = 500
# SQS API reference, SendMessageBatch: 1 MiB, of which ours takes a quarter, since older queues have 256 KiB.
SQS_SEND_BYTES_MAX: Final = 256 * 1024
# SNS API reference, Publish: characters of a subject.
SNS_SUBJECT_CHARS_MAX: Final = 100
# Ours: files of one child execution of a backfill, and children at once. Step Functions starts 100 standard children a
# second, and Lambda has 1,000 concurrent executions an account and Region unless raised (both: service quotas).
MAP_BATCH_FILES: Final = 100
MAP_CONCURRENCY: Final = 500
# Step Functions API reference, StartExecution: characters of a name.
EXECUTION_NAME_CHARS_MAX: Final = 80
# Ours: how long EventBridge tries again to deliver a firing before it goes to the dead-letter queue.
FIRING_RETRY_S: Final = 3_600
FIRING_RETRIES: Final = 20
# Ours: the part of a Lambda's time that is kept for saving the progress and answering.
LAMBDA_MARGIN_S: Final = 15
# CloudFormation user guide, custom resource reference: bytes of an answer, and when a request ends.
CUSTOM_RESOURCE_ANSWER_BYTES_MAX: Final = 4_096
CUSTOM_RESOURCE_S_MAX: Final = 3_600
# Ours: the part of that hour after which an installation gives up and says why; the part of a function's time that is
# left for the answer; tries after a conflict with a loader, or of a service that does not answer, and their pause.
INSTALL_S_MAX: Final = 3_300
INSTALL_MARGIN_S: Final = 60
INSTALL_TRIES: Final = 5
INSTALL_PAUSE_S: Final = 10
# EventBridge Scheduler starts a run within this after its time (User Guide, "Schedule types": 60 second precision); a
# run's own clock may be as far behind.
SCHEDULE_PRECISION_S: Final = 60
# Ours: windows that one run collects after an outage; the next run collects the rest.
WINDOWS_PER_RUN_MAX: Final = 1_000
# Ours: a run that has not renewed its lock for this long has crashed; a step renews it, and so does each merge.
RUN_LOCK_S: Final = 900
# Ours: characters of an error in a run's record.
RUN_ERROR_CHARS_MAX: Final = 2_000
# Ours: `trunkline up`. A stream is followed for this long before others have a turn; a program that ended is started
# again after a second, then after twice as long each time, and after a minute of running its failures are forgotten.
UP_TURN_S: Final = 30
UP_BACK_OFF_S: Final = 1
UP_BACK_OFF_S_MAX: Final = 300
UP_STEADY_S: Final = 60
# Ours: how long programs have to stop before they are interrupted, and before they are killed.
UP_STOP_S: Final = 10
UP_KILL_S: Final = 30
# Ours: the default schedule of an object that has a source and no schedule of its own.
RUN_SCHEDULE: Final = "rate(1 hour)"
# Ours: decoded bytes that the function `extract` puts into the lake before it hands over to the merge.
EXTRACT_BYTES_MAX: Final = 1024 * MIB

# AWS Glue API reference: Column.Comment, BatchCreatePartition; Athena API reference: BatchGetNamedQuery.
GLUE_COMMENT_CHARS_MAX: Final = 255
GLUE_PARTITIONS_PER_CALL_MAX: Final = 100
ATHENA_NAMED_QUERIES_PER_CALL_MAX: Final = 50

# Amazon Connect API, GetMetricDataV2, `ThresholdValue`: seven days in seconds, the longest that a contact can last.
THRESHOLD_S_MAX: Final = 604_800
# Amazon Connect API (administrator guide, "Amazon Connect service quotas", API throttling): calls a second and burst,
# per account and Region, shared by all instances and all programs. What is not named has the default.
CONNECT_QUOTAS: Final = {
    "SearchContacts": (0.5, 1),
    "DescribeContact": (10.0, 15),
    "GetContactAttributes": (10.0, 15),
    "GetCurrentMetricData": (5.0, 8),
}
CONNECT_QUOTA_DEFAULT: Final = (2.0, 5)
# SearchContacts: MaxResults (API reference); results of one query, length of its time range and look-back
# (administrator guide, "Search for contacts", said of the search page and taken to hold for the API).
SEARCH_PAGE_MAX: Final = 100
SEARCH_RESULTS_MAX: Final = 10_000
SEARCH_RANGE_DAYS_MAX: Final = 56
SEARCH_LOOK_BACK_DAYS_MAX: Final = 730
# GetCurrentMetricData and GetCurrentUserData: ids in a filter, MaxResults (API reference).
CURRENT_FILTER_MAX: Final = 100
CURRENT_PAGE_MAX: Final = 100
# Listings of queues, users and the like: MaxResults (API reference).
LIST_PAGE_MAX: Final = 1_000
# Ours: contacts in one batch of the collector, so many calls of DescribeContact a killed Lambda loses at most; and
# concurrent calls, so that the network's time does not add to the quota's.
CONNECT_BATCH_CONTACTS: Final = 1_000
CONNECT_CALLS_AT_ONCE: Final = 4
# Ours: pages that are listed while contacts of earlier ones are described. At half the quotas a page takes four seconds
# to list, and twenty to describe where all of its contacts are missing: 1,600 in a row do not stop the search.
CONNECT_PAGES_AHEAD: Final = 64
# Ours: the part of a Lambda's time that is kept for putting and merging one last batch.
COLLECT_MARGIN_S: Final = 45

# The default schedule: at minute 40 of every second hour, for the two hours before the full hour.
COLLECT_SCHEDULE: Final = "cron(40 0/2 * * ? *)"
COLLECT_ZONE: Final = "America/New_York"

# Agent event stream (administrator guide, "Agent event streams"): a heartbeat every 120 s without another event. Ours:
# an agent of whom nothing came for two and a half of them may have left.
AGENT_SILENT_S: Final = 300
# Ours: an agent of whom nothing came for this long is forgotten; events go on for an hour after a log-out.
AGENT_FORGOTTEN_S: Final = 86_400
# Ours: after contact work that no event ends is over after this long.
ACW_HOURS_MAX: Final = 2
# How long a contact can be open by channel, days (administrator guide, "Amazon Connect service quotas", feature
# specifications: chat 7 days, task and e-mail 90). Calls: ours.
OPEN_DAYS_MAX: Final = {"VOICE": 1, "CHAT": 7, "TASK": 90, "EMAIL": 90}
# Ours: what a live state holds at most: contacts of some 1.5 kB (two days of 2,000 agents), agents of 2.6 kB, so some
# 430 MB. Beyond it a contact whose record has come is kept as 150 bytes until its day is over.
LIVE_CONTACTS_MAX: Final = 250_000
LIVE_AGENTS_MAX: Final = 20_000
LIVE_QUEUE_NAMES_MAX: Final = 10_000
# Ours: the wallboard. A frame is made at most every 20 ms, so that an event is on its way in less than 100; a browser
# that is 8 frames behind gets the whole board instead; more boards than this at once get none.
BOARD_FRAME_S_MIN: Final = 0.02
BOARD_READER_FRAMES_MAX: Final = 8
BOARD_READERS_MAX: Final = 1_000
# Ours: how often what is over is dropped from the live state.
LIVE_SWEEP_S: Final = 300
# Ours: how often `serve` writes what is now to the live store.
LIVE_WRITE_S: Final = 10.0
# Ours: a session of the wallboard begins with the token and ends after this time by default.
SESSION_HOURS_DEFAULT: Final = 12
TOKEN_CHARS_MIN: Final = 16
# Ours: changes to and from hold or pause of one contact.
CONTACT_CHANGES_MAX: Final = 200
# Timestream for LiveAnalytics (developer guide, "Quotas"; API reference, WriteRecords, RetentionProperties).
TIMESTREAM_RECORDS_MAX: Final = 100  # of one call
TIMESTREAM_SERIES_BYTES_MAX: Final = 2_048  # names and values of a record's dimensions
TIMESTREAM_MEMORY_HOURS_MAX: Final = 8_766
TIMESTREAM_MAGNETIC_DAYS_MAX: Final = 73_000
# Regions with resources of Timestream for LiveAnalytics (AWS::Timestream::Table of the CloudFormation schemas, 2026).
TIMESTREAM_REGIONS: Final = (
    "ap-northeast-1", "ap-south-1", "ap-southeast-2", "eu-central-1", "eu-west-1", "us-east-1", "us-east-2",
    "us-gov-west-1", "us-west-2",
)  # fmt: skip
SERIES_AHEAD_S_MAX: Final = 900  # a point in the future is rejected; here by every store
# Ours: lines of one request; InfluxData recommends 5,000 to 10,000 ("Optimize writes").
INFLUX_LINES_MAX: Final = 5_000
# Ours: what stores in memory hold: a day of minutes of each series.
MEMORY_POINTS_MAX: Final = 1_440
MEMORY_SERIES_MAX: Final = 100_000
# Prometheus: a series without a sample for five minutes is stale ("Querying basics", staleness).
SCRAPE_STALE_S: Final = 300
