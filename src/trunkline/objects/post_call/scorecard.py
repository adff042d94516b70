"""`scorecard`: one row per scored call, from the DynamoDB table `scorecards`.

The columns are those of the application's analytics table `post_call_analytics.scorecards`: score and evidence of six
skills, and two maps for other skills. What else an item or a skill has is in `record_unmapped`.
"""

from __future__ import annotations

from functools import partial

from trunkline.objects.model import RECORD_COLUMNS, Column, MapOf, Object, Pii, own_column
from trunkline.objects.post_call.call import DATABASE

SOURCE = "DynamoDB table scorecards"

SKILLS = {
    "ask_for_payment": "askForPayment",
    "confirm_location": "confirmLocation",
    "features_advantages": "featuresAdvantagesBenefits",
    "handle_objections": "handleObjections",
    "size_recommendation": "sizeRecommendation",
    "urgency": "urgency",
}
"""The six skills with columns of their own: the columns' suffix, and the skill's key in the item."""


_col = partial(own_column, source=SOURCE)


def _text(name: str, path: str, meaning: str, pii: Pii = "none") -> Column:
    return _col(name, path, f"{meaning} NULL where the item has none.", pii=pii)


SCORECARD = Object(
    name="scorecard",
    database=DATABASE,
    table="scorecards",
    folder="scorecards",
    warehouse_table=f"{DATABASE}.f_scorecard",
    grain="One row per scorecard, the latest version of its item.",
    key=("guid",),
    version="ingested_at",
    event_time="call_timestamp_utc",
    partition="call_timestamp_utc",
    delete_rule="Deleted when its item is removed from the DynamoDB table; setting `dynamodb_deletes` says which "
    "removals count.",
    columns=(
        _col("guid", "guid", "Id of the scorecard.", nullable=False),
        _text("datetime", "datetime",
              "Time of the call as the item has it, such as 2025-10-08T14-34-19, without zone."),
        _col("call_timestamp_utc", "trunkline:callTimestampUTC",
             "`datetime` read in the zone of setting `scorecard_zone`. NULL where the item has none.",
             "timestamp", "UTC"),
        _text("agent", "agent", "The agent who was scored."),
        _text("call_type", "callType", "Kind of call."),
        _col("ingested_at", "ingestedAt",
             "When the item was written. A time without offset is UTC. NULL where the item has none.",
             "timestamp", "UTC"),
        _text("notes", "notes", "Notes on the call.", "indirect"),
        _text("outcome", "outcome", "How the call ended for the business."),
        _col("overall_score", "overallScore", "Score of the whole call. NULL where the item has none.", "decimal"),
        _text("primary_intent", "primaryIntent", "What the customer wanted primarily."),
        _text("resolution_reason", "resolutionReason", "The reason for the outcome.", "indirect"),
        _text("summary", "summary", "Summary of the call.", "indirect"),
        _text("secondary_intent", "secondaryIntent", "What else the customer wanted."),
        *(_col(f"score_{name}", f"scores.{key}.score", f"Score of the skill {key}. NULL where it was not scored.",
               "decimal") for name, key in SKILLS.items()),
        *(_text(f"evidence_{name}", f"scores.{key}.evidence", f"The evidence for the score of {key}.", "indirect")
          for name, key in SKILLS.items()),
        _col("other_scores", "trunkline:otherScores",
             "Scores of skills without a column, by the skill's key. NULL without any.",
             MapOf("decimal")),
        _col("other_evidence", "trunkline:otherEvidence",
             "The evidence for those scores, by the skill's key. NULL without any.",
             MapOf("text"), pii="indirect"),
        _col("deleted_by", "trunkline:deletedBy",
             "Why the item was removed, in the version that says so: ttl (it expired), user (a user removed it) or "
             "scan (a full scan did not find it). NULL in all others."),
        *RECORD_COLUMNS,
    ),
    anchor="guid",
    source="DynamoDB table `scorecards`",
)  # fmt: skip
