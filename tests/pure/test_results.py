"""What became of many, in one exit code; whatever fails on the way, every item is told once."""

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alga.core.errors import AlgaError, AuthError, Interrupted, NeverSent, UnknownOutcome
from alga.outbox.results import Outcome, Watch, exit_code, in_chunks, one_by_one, summed

DONE, REFUSED = Outcome("recorded", True), Outcome("refused", False)
UNKNOWN, NOT_SENT = Outcome("unknown", False), Outcome("not sent", False)
CODES: list[tuple[list[Outcome], int]] = [
    ([], 0),
    ([DONE, DONE], 0),
    ([DONE, REFUSED], 9),
    ([DONE, UNKNOWN], 9),
    ([DONE, NOT_SENT], 9),
    ([REFUSED, REFUSED], 5),
    ([REFUSED, UNKNOWN], 7),
    ([REFUSED, NOT_SENT], 7),
    ([DONE, Outcome("unknown", False, stopped=True)], 130),
]


@pytest.mark.parametrize(("outcomes", "code"), CODES)
def test_one_exit_code_for_many(outcomes: list[Outcome], code: int) -> None:
    assert exit_code(outcomes) == code


def test_the_sum_in_words() -> None:
    assert summed([DONE, DONE, REFUSED]) == "2 recorded, 1 refused."


FAILURES: list[type[BaseException]] = [UnknownOutcome, NeverSent, AuthError, Interrupted, KeyboardInterrupt]
failures = st.sampled_from([None, *FAILURES])


def error(kind: type[BaseException]) -> BaseException:
    """An error of that kind."""
    return kind("It failed.") if issubclass(kind, AlgaError) else kind()


@given(
    st.integers(1, 12), st.integers(1, 5), st.integers(0, 4), failures, st.integers(0, 12), failures
)  # fmt: skip
def test_every_item_is_told_once_and_nothing_written_is_called_not_sent(
    number: int, size: int, failing_write: int, in_write: type[BaseException] | None, failing_item: int,
    in_judge: type[BaseException] | None,
) -> None:  # fmt: skip
    written: list[int] = []
    writes = 0

    def write(chunk: Sequence[int]) -> None:
        nonlocal writes
        writes += 1
        if in_write and writes == failing_write + 1:
            if in_write in (UnknownOutcome, Interrupted, KeyboardInterrupt):
                written.extend(chunk)  # it may have arrived
            raise error(in_write)
        written.extend(chunk)

    def judge(chunk: Sequence[int], lost: str) -> Iterator[Outcome]:
        for item in chunk:
            if in_judge and item == failing_item:
                raise error(in_judge)
            yield Outcome("recorded", True, str(item))

    def untold(item: int, state: str, reason: str) -> Outcome:
        return Outcome(state, False, str(item), reason)

    try:
        told = in_chunks(range(number), lambda: size, write, judge, untold, Watch())
    except AlgaError:
        assert written == [], "an error stands for all only when nothing was written"
        return
    assert [outcome.id for outcome in told] == [str(n) for n in range(number)]
    assert {int(outcome.id or 0) for outcome in told if outcome.state == "not sent"}.isdisjoint(written)
    stopped = in_write in (Interrupted, KeyboardInterrupt) and writes == failing_write + 1
    stopped |= in_judge in (Interrupted, KeyboardInterrupt) and failing_item in written and not stopped
    assert (exit_code(told) == 130) == stopped


def test_one_by_one_an_error_that_is_about_no_item_stops_and_ctrl_c_is_not_swallowed() -> None:
    def untold(item: int, state: str, reason: str) -> Outcome:
        return Outcome(state, False, str(item), reason)

    def send(item: int) -> Outcome:
        if item == 1:
            raise UnknownOutcome("Lost.")
        if item == 3:
            raise NeverSent("Down.")
        return Outcome("recorded", True, str(item))

    states = [outcome.state for outcome in one_by_one(range(6), send, untold)]
    assert states == ["recorded", "unknown", "recorded", "not sent", "not sent", "not sent"]

    def interrupted(item: int) -> Outcome:
        raise Interrupted("Interrupted.")

    with pytest.raises(Interrupted):
        list(one_by_one([1, 2], interrupted, untold))
