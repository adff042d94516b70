"""Which object a DynamoDB table is, by ARN, by name, or by a word of its name."""

from __future__ import annotations

import pytest
from dynamo_tables import arn

from trunkline.errors import UsageError
from trunkline.objects.catalogue import OBJECTS
from trunkline.settings.installation import Settings
from trunkline.sources.dynamodb.tables import object_of


def settings(**variables: str) -> Settings:
    return Settings.load(None, {f"TRUNKLINE_{name}": value for name, value in variables.items()})


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("calls", "call"), ("scorecards", "scorecard"), ("prod-calls", "call"), ("Calls", "call"), ("CALLS", "call"),
        ("calls-dev", "call"), ("ProdCalls", "call"), ("scorecards_2026", "scorecard"), ("dev.scorecard", "scorecard"),
        ("recalls-scorecards", "scorecard"), (arn("stage_calls"), "call"),
    ],
)  # fmt: skip
def test_a_table_is_recognised_by_a_word_of_its_name(table: str, name: str) -> None:
    """A stage or a year around the name, and its case, do not matter."""
    assert object_of(table, settings(), OBJECTS).name == name


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("recalls", "'recalls' fits no object"),
        ("callsign", "'callsign' fits no object"),
        ("scores", "'scores' fits no object: the setting dynamodb_tables names calls = call, scorecards = scorecard"),
        ("calls-scorecards", "'calls-scorecards' can be call or scorecard"),
    ],
)
def test_an_unknown_or_ambiguous_table_is_an_error_that_names_the_setting(table: str, message: str) -> None:
    """Parts of words do not count."""
    with pytest.raises(UsageError, match=message) as caught:
        object_of(table, settings(), OBJECTS)
    assert f"Add {table} = OBJECT to it" in str(caught.value)


def test_the_setting_takes_precedence_over_words() -> None:
    """The ARN before the exact name, the exact name before its words."""
    here, there = arn("dev-calls").partition("/stream/")[0], arn("dev-calls", "2").replace("us-east-1", "eu-west-1")
    chosen = settings(DYNAMODB_TABLES=f"calls=call,dev-calls=scorecard,{here}=transcript")
    assert object_of(arn("dev-calls"), chosen, OBJECTS).name == "transcript"
    assert object_of(there, chosen, OBJECTS).name == "scorecard"
    assert object_of("test-dev-calls", settings(DYNAMODB_TABLES="dev-calls=call"), OBJECTS).name == "call"
    with pytest.raises(UsageError, match="'calls' fits no object"):
        object_of("calls", settings(DYNAMODB_TABLES="dev-calls=scorecard"), OBJECTS)
