"""Timers fire as virtual time passes, in a real process as in memory."""

from datetime import timedelta

from shared.replay.recording import Command, Recorded
from shared.replay.replay import InMemory, Replay, SetStage
from tests.integration.runtime.toy import NOON, Alarms, note
from tests.support.stage import stages

HOUR = timedelta(hours=1)
#: Case, the hours until its alarm, and when that is said. Some are due at one moment, one is replaced, one taken away.
NOTES = (("a", 3, 0), ("b", 1, 0), ("c", 3, 0), ("d", 40, 0), ("d", 2, 2), ("e", 3, 2), ("e", 0, 4), ("f", 9, 5))


def stream() -> list[Recorded]:
    """Return notes that set alarms, each of which is a note again."""
    told = (
        note(case, hours, key=f"{case}{n}", time=NOON + at * HOUR) for n, (case, hours, at) in enumerate(NOTES, start=1)
    )
    return [Recorded(n, Command(to="referral", message=message)) for n, message in enumerate(told, start=1)]


def test_timers_fire_at_the_same_moments_in_the_same_order_and_say_the_same() -> None:
    def replayed(stage: SetStage) -> list[object]:
        outcome = Replay(stream(), "alarms", stage=stage).into(Alarms())
        before = list(outcome.events)
        return [before, list(outcome.until(NOON + 9 * HOUR).events), list(outcome.until(NOON + 14 * HOUR).events)]

    with stages(modules={"referral": "tests.integration.runtime.toy_alarms"}) as live:
        in_processes = replayed(live)

    in_memory = replayed(InMemory)
    assert in_processes == in_memory
    assert [len(events) for events in in_memory] == [12, 12, 13]
