"""Reads the streams of agencies as they would, in a process of its own: `python -m tests.bench.feed.readers`.

Takes one line of JSON, what each agency is told of its stream, by its name. Answers with a line once all are read from;
when its input ends, with a line that holds the moment (`time.perf_counter`) at which each number came, by agency.
"""

import json
import sys
from contextlib import ExitStack

from tests.support.stream import SEQUENCE, Consumer


def main() -> None:
    """Read until the input ends."""
    told = json.loads(sys.stdin.readline())
    with ExitStack() as stack:
        consumers = {name: stack.enter_context(Consumer(one)) for name, one in told.items()}
        print("reading", flush=True)  # noqa: T201
        sys.stdin.read()
    came = {
        name: {message.headers[SEQUENCE]: at for at, message in consumer.messages if SEQUENCE in message.headers}
        for name, consumer in consumers.items()
    }
    print(json.dumps(came), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
