"""Who is let in: loopback without a token, and with one only whoever has it, for as long as a session lasts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from trunkline import clock
from trunkline.errors import UsageError
from trunkline.serve.wallboard.access import COOKIE, Access, is_foreign
from trunkline.settings.secrets import Secret

TOKEN = "0123456789abcdef-token"
LOCAL = {"host": "127.0.0.1:8080"}


def with_session(cookie: str) -> dict[str, str]:
    return {"host": "board.example.org", "cookie": f"other=1; {COOKIE}={cookie}"}


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "board.example.org", "::"])
def test_others_need_a_token(host: str) -> None:
    """An address that other machines reach is refused without a token, and the message says what to set."""
    with pytest.raises(UsageError, match="TRUNKLINE_SERVE_TOKEN"):
        Access().check(host)
    Access(Secret(TOKEN)).check(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_loopback_needs_none(host: str) -> None:
    """Only the machine itself reaches a loopback address."""
    Access().check(host)


def test_a_short_token_is_refused() -> None:
    """A token that can be guessed is none; the message does not repeat it."""
    with pytest.raises(UsageError, match="16") as caught:
        Access(Secret("secret")).check("127.0.0.1")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "is_admitted"),
    [
        ("localhost:8080", True), ("127.0.0.1", True), ("[::1]:8080", True),
        ("evil.example", False), ("127.0.0.1.evil.example", False), ("", False),
    ],
)  # fmt: skip
def test_a_rebound_name_reaches_no_board(host: str, is_admitted: bool) -> None:
    """Without a token a page that points its own name at this machine is refused by the name."""
    assert Access().admits({"host": host}) is is_admitted


def test_a_session_needs_the_token() -> None:
    """A cookie of another token, a changed time, or none at all is no session; the bearer is a way of its own."""
    access = Access(Secret(TOKEN))
    cookie = access.new_session(Secret(TOKEN))
    assert access.admits(with_session(cookie))
    until, _, signature = cookie.partition(".")
    forged = [
        f"{int(until) + 3600}.{signature}",
        f"{until}.",
        until,
        "",
        "x.y",
        access.new_session(Secret(TOKEN + "2")),
        f"{until}.\u00e9",
    ]
    assert [access.admits(with_session(text)) for text in forged] == [False] * len(forged)
    assert access.admits({"authorization": f"Bearer {TOKEN}"})
    assert not access.admits({"authorization": f"Bearer {TOKEN}x"})
    assert not access.admits({"authorization": TOKEN})
    assert not access.admits(LOCAL)


def test_a_session_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """After its hours, whatever happens in between."""
    access = Access(Secret(TOKEN), session_hours=2)
    start = datetime(2026, 3, 3, 12, tzinfo=UTC).timestamp()
    times = iter([start, start + 7199, start + 7201])
    monkeypatch.setattr(clock, "now", lambda: datetime.fromtimestamp(next(times), UTC))
    cookie = access.new_session(Secret(TOKEN))
    assert access.session_ends(cookie) == start + 7200
    assert access.session_ends(cookie) is None


EDIT = "fedcba9876543210-token"


def test_settings_need_the_token_for_editing() -> None:
    """The first token shows the board and changes nothing; the second does both; this machine alone needs neither."""
    both = Access(Secret(TOKEN), edit_token=Secret(EDIT))
    both.check("0.0.0.0")
    for text, may_edit in ((TOKEN, False), (EDIT, True)):
        known = both.token_of(text)
        assert known is not None
        for headers in ({"authorization": f"Bearer {text}"}, with_session(both.new_session(known))):
            assert (both.admits(headers), both.may_edit(headers)) == (True, may_edit)
    assert both.token_of(TOKEN + "x") is None
    assert not both.may_edit({})
    alone = Access(Secret(TOKEN))
    assert not alone.may_edit({"authorization": f"Bearer {TOKEN}"})
    assert not alone.admits(with_session(both.new_session(Secret(EDIT))))
    assert Access().may_edit(LOCAL)
    assert not Access().may_edit({"host": "evil.example"})


@pytest.mark.parametrize(
    ("access", "words"),
    [
        (Access(Secret(TOKEN), edit_token=Secret("short")), "TRUNKLINE_SERVE_EDIT_TOKEN has fewer than 16"),
        (Access(edit_token=Secret(EDIT)), "without TRUNKLINE_SERVE_TOKEN"),
        (Access(Secret(TOKEN), edit_token=Secret(TOKEN)), "equals TRUNKLINE_SERVE_TOKEN"),
    ],
)
def test_tokens_that_do_not_go_together_are_refused(access: Access, words: str) -> None:
    """Short, alone, or equal: the message names the variable and not its value."""
    with pytest.raises(UsageError, match=words) as caught:
        access.check("127.0.0.1")
    assert TOKEN not in str(caught.value)


def test_pages_of_other_sites_change_nothing() -> None:
    """A request says where its page is from; another site's may not change anything."""
    assert is_foreign({"origin": "https://evil.example", **LOCAL})
    assert is_foreign({"origin": "http://127.0.0.1:9999", **LOCAL})
    assert not is_foreign({"origin": "http://127.0.0.1:8080", **LOCAL})
    assert not is_foreign(LOCAL)
