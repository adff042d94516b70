"""Which of Amazon's 47 reference queries for its data lake have the tables and columns that they read.

By their number and title in the administrator guide ("Data lake reference queries"). That the answers equal the
simulator's oracle is tested in `tests/pipelines`: 16 to 20 in `test_agent_views.py`, 25 to 28 and 46 in
`test_transcripts.py`, 36 to 38 in `test_evaluations.py`; the joins of 47
run in `test_adherence.py`.
"""

from __future__ import annotations

import pytest

from trunkline.objects.catalogue import OBJECTS, VIEWS

QUEUE = "queue_id instance_id disconnect_timestamp"
AGENT = "agent_id instance_id disconnect_timestamp"
ASR, AQSR = "agent_statistic_record", "agent_queue_statistic_record"
CSR, CR, LENS = "contact_statistic_record", "contact_record", "contact_lens_conversational_analytics"
FORM = "evaluation_id evaluation_submitted_timestamp item_type to_delete evaluation_type instance_id"
CHAT = f"{QUEUE} channel chat_contact_metrics"
ANSWERED = {
    "1 Abandonment rate": (CSR, f"{QUEUE} is_abandoned is_queued"),
    "2 Contacts abandoned": (CSR, f"{QUEUE} is_abandoned"),
    "3 Contacts abandoned in X seconds": (CSR, f"{QUEUE} is_abandoned queue_time_ms"),
    "4 Average queue abandon time": (CSR, f"{QUEUE} is_abandoned abandon_time_ms"),
    "5 Average queue answer time": (CSR, f"{QUEUE} is_handled queue_answer_time_ms"),
    "6 Service level": (CSR, f"{QUEUE} is_handled is_queued queue_answer_time_ms"),
    "7 Contacts queued": (CSR, f"{QUEUE} is_queued"),
    "8 Contacts handled": (CSR, f"{QUEUE} is_handled"),
    "9 Contacts transferred in": (CSR, f"{QUEUE} is_transferred_in"),
    "10 Contacts transferred out": (CSR, f"{QUEUE} is_transferred_out"),
    "11 Maximum queued time": (CR, f"{QUEUE} queue_duration_ms"),
    "12 Average contact duration": (CR, f"{QUEUE} initiation_timestamp"),
    "13 Average handle time": (CSR, f"{AGENT} is_handled handle_time_ms"),
    "14 After contact work time": (CSR, f"{AGENT} after_contact_work_time_ms"),
    "15 Customer hold time": (CSR, f"{AGENT} customer_hold_time_ms"),
    "16 Agent idle time": (ASR, "user_id agent_idle_time published_date instance_id"),
    "17 Occupancy": (ASR, "user_id agent_on_contact_time agent_idle_time published_date instance_id"),
    "18 Agent non-response": (AQSR, "user_id queue_id agent_non_response published_date instance_id"),
    "19 Agent answer rate": (AQSR, "user_id contacts_handled contacts_offered published_date instance_id"),
    "20 Online time": (ASR, "user_id online_time published_date instance_id"),
    "21 Average agent first response time": (CR, f"{CHAT}_agent_first_response_time_ms"),
    "22 Average agent response time": (CR, f"{QUEUE} channel chat_agent_metrics_total_response_time_ms chat_agent_metrics_num_responses"),
    "23 Average total messages": (CR, f"{CHAT}_total_messages"),
    "24 Conversations abandoned": (CR, f"{QUEUE} channel chat_agent_metrics_conversation_abandon chat_customer_metrics_conversation_abandon"),
    "25 Average talk time": (LENS, "channel talk_time_total_ms disconnect_timestamp instance_id"),
    "26 Average non-talk time": (LENS, "channel non_talk_time_total_ms disconnect_timestamp instance_id"),
    "27 Sentiment scores": (LENS, "sentiment_overall_score_agent sentiment_overall_score_customer sentiment_end_score_agent sentiment_end_score_customer"),
    "28 Average agent interruptions": (LENS, "channel interruptions_agent_count disconnect_timestamp instance_id"),
    "36 Evaluations performed": ("contact_evaluation_record", FORM),
    "37 Average evaluation score": ("contact_evaluation_record", f"{FORM} score"),
    "38 Automatic fails percent": ("contact_evaluation_record", f"{FORM} automatic_fail"),
    "39 Campaign contacts": (CR, "campaign_id disconnect_timestamp instance_id"),
    "40 Human answered": (CR, "campaign_id answering_machine_detection_status disconnect_timestamp instance_id"),
    "44 Daily summary dashboard": (CSR, f"{QUEUE} is_queued is_handled is_abandoned queue_answer_time_ms handle_time_ms"),
    "45 Hourly trend analysis": (CSR, f"{QUEUE} is_queued is_handled is_abandoned handle_time_ms"),
    "46 Conversational analytics enriched contacts": (LENS, "contact_id instance_id talk_time_agent_ms talk_time_customer_ms"),
    "47 Agent schedule adherence": ("staff_shift_activities", "shift_id shift_version activity_start_timestamp activity_end_timestamp shift_activity_arn is_deleted"),
}  # fmt: skip
NOT_ANSWERED = {
    "29 AI agent invocation success rate": "ai_agent",
    "30 AI handoff rate": "ai_session",
    "31 AI quality scores": "ai_session",
    "32 AI tool accuracy": "ai_tool",
    "33 Flows started": "contact_flow_events",
    "34 Flow outcome percentage": "contact_flow_events",
    "35 Average flow time": "contact_flow_events",
    "41 Cases created": "case_events",
    "42 Average case resolution time": "case_events",
    "43 Bot conversation outcomes": "bot_conversations",
}
"""The table that no file of Connect's gives, so that Trunkline does not have it."""


def _columns(table: str) -> set[str]:
    found = VIEWS.get(table) or OBJECTS[table]
    return {column.name for column in found.columns}


@pytest.mark.parametrize("query", ANSWERED)
def test_the_columns_of_a_query_are_there(query: str) -> None:
    """The table has Amazon's name, and the columns that the query reads."""
    table, columns = ANSWERED[query]
    assert set(columns.split()) <= _columns(table)
    found = VIEWS.get(table) or OBJECTS[table]
    assert found.database == "connect_datalake"


def test_every_query_is_listed_once() -> None:
    """All 47; one whose table is added moves to those that are answered."""
    numbers = sorted(int(query.split()[0]) for query in (*ANSWERED, *NOT_ANSWERED))
    assert numbers == list(range(1, 48))
    assert not [query for query, table in NOT_ANSWERED.items() if table in VIEWS or table in OBJECTS]
