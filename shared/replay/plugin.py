"""The pytest plugin: a recorded stream is a test.

    def test_a_violent_evening(replay):
        replay("streams/violence_red.ndjson").into(ReferralModel()).expect("streams/violence_red.referral.ndjson")

Paths begin in the nearest folder called `tests` above the test, else in the test's own folder. `--accept` writes the
golden files that differ or are missing, and says which. `--live` replays every stream a second time, in real processes
over a real broker, where the fixture `replay_stage` says how.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

# What follows is loaded when a test replays something: this module is part of every run of pytest.
if TYPE_CHECKING:
    from shared.replay.replay import Replay, SetStage

PURE, LIVE = "pure", "live"

_ACCEPTED = pytest.StashKey[list[Path]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("niangjia", "replay of recorded streams")
    group.addoption("--accept", action="store_true", help="write the golden files of replays anew where they differ")
    group.addoption("--live", action="store_true", help="replay streams in real processes, too (fixture replay_stage)")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to accept what nobody looks at."""
    config.addinivalue_line("markers", "pure: this test replays in memory only, also with --live")
    config.stash[_ACCEPTED] = []
    if config.getoption("--accept") and os.environ.get("CI"):
        raise pytest.UsageError("--accept writes golden files, and here (CI is set) nobody reads what it wrote")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let each test that replays run in memory, and with --live in real processes, too."""
    if "replay_mode" in metafunc.fixturenames:
        pure_only = metafunc.definition.get_closest_marker("pure") is not None
        modes = [PURE, LIVE] if metafunc.config.getoption("--live") and not pure_only else [PURE]
        metafunc.parametrize("replay_mode", modes)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which golden files were written."""
    accepted = config.stash[_ACCEPTED]
    if accepted:
        terminalreporter.section("golden files written: read them before you commit them")
        for file in sorted(set(accepted)):
            terminalreporter.line(os.path.relpath(file, config.invocation_params.dir))


@pytest.fixture
def replay_stage() -> "SetStage":
    """Where `--live` replays: to be given by the suite that has processes to replay in."""
    raise pytest.UsageError("--live needs a fixture `replay_stage`, which returns a shared.replay.replay.SetStage")


@pytest.fixture
def replay(request: pytest.FixtureRequest, replay_mode: str) -> "Iterator[Callable[[str | Path], Replay]]":
    """Open a recording: `replay("streams/x.ndjson").into(model).expect("streams/x.golden.ndjson")`."""
    from shared.replay.golden import Golden
    from shared.replay.recording import read
    from shared.replay.replay import InMemory, Replay

    folder = _folder(request.path)
    # what the pure core says is what is written; the real processes are held to it
    accept = request.config.getoption("--accept") and replay_mode == PURE
    golden = Golden(folder, accept=accept)
    stage = InMemory if replay_mode == PURE else request.getfixturevalue("replay_stage")

    def opened(path: str | Path) -> Replay:
        return Replay(read(folder / path, str(path)), str(path), golden=golden, stage=stage)

    yield opened
    request.config.stash[_ACCEPTED] += golden.accepted


def _folder(test: Path) -> Path:
    return next((parent for parent in test.parents if parent.name == "tests"), test.parent)
