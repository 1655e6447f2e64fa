"""Play a period with the code of this checkout: a recording comes in, what came of it goes out as JSON.

python -m deploy.whatif PERIOD [RULES [RULES BEFORE]] <RECORDING
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from deploy.whatif.period import period
from deploy.whatif.play import play
from shared.replay.recording import read_lines


def main(arguments: Sequence[str]) -> int:
    """Return the exit code."""
    span, rules, before = [*arguments, "", ""][:3]
    lines = (one.line for one in read_lines(sys.stdin.buffer, "recording"))
    outcome = play(lines, period(span), _folder(rules), _folder(before))
    sys.stdout.buffer.write(msgspec.json.encode(outcome))
    return 0


def _folder(name: str) -> Path | None:
    return Path(name) if name else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
