"""The two functions of document 002 that read transcripts, as they stand there, over a client that is handed in."""

from __future__ import annotations

import json
from typing import Any

TRANSCRIBE_BUCKET = "recordings"


def get_transcribe_metadata(s3: Any, file_name: str, call_id: str) -> tuple[int, str]:
    try:
        transcript_key = f"transcripts/{call_id}.json"
        response = s3.get_object(Bucket=TRANSCRIBE_BUCKET, Key=transcript_key)
        transcript_data = json.loads(response["Body"].read())
        results = transcript_data.get("results", {})
        duration = float(results.get("audio_duration", 0))
        return int(duration), transcript_key
    except Exception:  # noqa: BLE001 - as the document has it
        return 0, ""


def infer_answer_type(s3: Any, duration_seconds: int, transcript_s3_key: str) -> str:
    if duration_seconds == 0:
        return "Unknown"
    if duration_seconds < 10:
        return "NoAnswer"
    if not transcript_s3_key:
        return "Unknown"
    try:
        response = s3.get_object(Bucket=TRANSCRIBE_BUCKET, Key=transcript_s3_key)
        transcript_data = json.loads(response["Body"].read())
        items = transcript_data.get("results", {}).get("items", [])
        speakers = set()
        for item in items:
            speaker = item.get("speaker_label", "")
            if speaker:
                speakers.add(speaker)
        if len(speakers) >= 2:
            return "Human"
        if len(speakers) == 1:
            return "Voicemail"
        return "Unknown"
    except Exception:  # noqa: BLE001 - as the document has it
        return "Human" if duration_seconds > 30 else "Unknown"


QUERY = """
SELECT
    direction,
    answer_type,
    COUNT(*) as call_count,
    AVG(call_duration_seconds) as avg_duration_seconds,
    SUM(CASE WHEN call_duration_seconds > 60 THEN 1 ELSE 0 END) as calls_over_one_minute
FROM post_call_analytics.calls
WHERE year = '2026' AND month = '02' AND day = '11'
GROUP BY direction, answer_type
ORDER BY direction, answer_type;
"""
"""The document's test query."""
