"""What became of many, in one exit code and one sentence."""

import pytest

from alga.core.entry import EntryRequest
from alga.core.errors import AlgaError, AuthError, Interrupted, NeverSent, Refused
from alga.outbox.operation import Kind, Operation, State
from alga.outbox.results import Ending, Outcome, Result, ending, exit_code, outcome, summed
from tests.support import MONDAY

DONE, REFUSED = Outcome(Ending.RECORDED), Outcome(Ending.REFUSED)
NOT_SENT, WAITS = Outcome(Ending.NOT_SENT), Outcome(Ending.WAITS)
CODES: list[tuple[list[Outcome], int]] = [
    ([], 0),
    ([DONE, DONE], 0),
    ([DONE, WAITS], 0),
    ([DONE, REFUSED], 9),
    ([DONE, NOT_SENT], 9),
    ([WAITS, NOT_SENT], 9),
    ([REFUSED, REFUSED], 5),
    ([REFUSED, NOT_SENT], 7),
    ([DONE, NOT_SENT._replace(interrupted=True)], 130),
]
LOG = Operation(Kind.CREATE, EntryRequest(), "TIC1042", MONDAY, entry_id="e1", reason="Why.")


@pytest.mark.parametrize(("outcomes", "code"), CODES)
def test_one_exit_code_for_many(outcomes: list[Outcome], code: int) -> None:
    assert exit_code(outcomes) == code


def test_the_sum_in_words() -> None:
    assert summed([DONE, DONE, REFUSED]) == "2 recorded, 1 refused."
    assert summed([WAITS, WAITS, DONE]) == "2 wait, 1 recorded. alga sync delivers what waits."


@pytest.mark.parametrize(
    ("state", "error", "expected"),
    [
        (State.DONE, None, Ending.RECORDED),
        (State.QUEUED, None, Ending.WAITS),
        (State.QUEUED, NeverSent("No connection."), Ending.WAITS),
        (State.REFUSED, Refused("No."), Ending.REFUSED),
        (State.ASIDE, Refused("No."), Ending.REFUSED),
        (State.REFUSED, AuthError("The key."), Ending.NOT_SENT),
        (State.REFUSED, Interrupted("Interrupted."), Ending.NOT_SENT),
    ],
)
def test_the_state_of_an_operation_says_what_became_of_it(
    state: State, error: AlgaError | None, expected: Ending
) -> None:
    result = Result(LOG._replace(state=state), error=error)
    assert ending(result, Ending.RECORDED) is expected
    shown = outcome(result, Ending.RECORDED)
    assert (shown.id, shown.reason, shown.label, shown.interrupted) == (
        "e1", "Why.", "TIC1042", isinstance(error, Interrupted),
    )  # fmt: skip
