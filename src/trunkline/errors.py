"""Every error Trunkline raises on purpose.

The class says what the caller should do next; the message says what went wrong, which thing it concerns,
the value seen, what would be valid, and what to do. No message ever holds a phone number or a transcript.
"""

from __future__ import annotations


class TrunklineError(Exception):
    """Base of all errors raised on purpose. The command line prints the message alone and exits 1."""


class TransientError(TrunklineError):
    """A later try may succeed: back off and retry."""


class LockedError(TransientError):
    """Another process has a home or a warehouse file locked; `what` is locked by `holder`.

    `is_read`: of the file alone, so that the process of a home waits for one that reads.
    """

    def __init__(self, what: str, holder: str, is_read: bool = False) -> None:
        super().__init__(f"{what} is in use by {holder}; wait for it to end or stop it, then try again")
        self.what = what
        self.holder = holder
        self.is_read = is_read


class TerminalError(TrunklineError):
    """No retry helps: stop and tell a person."""


class UsageError(TrunklineError):
    """The caller asked for something that cannot be: the command line exits 2."""


class RecordError(TrunklineError):
    """One record cannot be used: it becomes a dead letter and its batch goes on.

    `code` is one of `limits.DEAD_LETTER_REASONS`.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class RunFailedError(TerminalError):
    """A run has failed and its failure is recorded: what a state machine ends with, until it is redriven."""


class UnexpectedError(TerminalError):
    """A bug, by the type of its error alone: what a function that a state machine calls raises for errors not ours."""


class SourceChangedError(TerminalError):
    """A file is no longer the version that was listed or planned: drop the plan, list again and plan anew."""


def printable(text: str, length_max: int = 120) -> str:
    """A name from outside for a message: shortened, and without characters that a terminal acts on."""
    safe = "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
    return safe if len(safe) <= length_max else safe[: length_max - 20] + f"... ({len(text):,} characters)"
