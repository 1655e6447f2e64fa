"""Reads an agency's stream at the broker: pip install kombu requests. Reads from the environment:

FEED_AMQP, FEED_STREAM  address of the broker and name of the stream, as they came with the keys
FEED_URL                https://…/feeds/<agency>: for people, for receipts and for what is missing
FEED_TOKEN_FILE         file with the token; read anew each time. FEED_STATE: keeps the last number and place"""

import json
import os
import time
from pathlib import Path

import requests
from amqp.exceptions import AMQPError
from kombu import Connection, Queue

url, state = os.environ["FEED_URL"], Path(os.environ.get("FEED_STATE", "feed.json"))
place = json.loads(state.read_text()) if state.exists() else {"number": 0, "offset": "first"}


def ask(method, address, **options):
    token = Path(os.environ["FEED_TOKEN_FILE"]).read_text().strip()
    answer = requests.request(method, address, headers={"Authorization": f"Bearer {token}"}, timeout=30, **options)
    if answer.status_code in (401, 429) or answer.status_code >= 500:
        raise ConnectionError(f"answered {answer.status_code}")
    return answer


def handle(event):
    number = int(event.get("sequence", 0))
    if number > place["number"]:  # else it is a heartbeat, which has none, or a repeat
        # 403, 404 and 410 have no fields: not for us, or no longer
        people = ask("GET", event["dataref"]).json().get("fields", {}) if "dataref" in event else {}
        print(number, event["type"], event.get("subject"), "replay" if "replayof" in event else "", *people, flush=True)
        # Here your own system stores the delivery, in one transaction with its number; it acts unless it is a replay.
        ask("POST", f"{url}/receipts", json={"number": number, "receipt": "received"})
        place["number"] = number
        (new := state.with_suffix(".new")).write_text(json.dumps(place))  # replaced at once: never half written
        new.replace(state)


def take(_, message):
    event = {name.removeprefix("cloudEvents_"): value for name, value in message.headers.items()}
    while int(event.get("sequence", 0)) > place["number"] + 1:  # something is missing here
        for missing in ask("GET", f"{url}/events?after={place['number']}").json()["events"]:
            handle(missing)
    handle({**event, "data": json.loads(message.body)})
    place["offset"] = message.headers["x-stream-offset"] + 1
    message.ack()


while True:
    stream = Queue(os.environ["FEED_STREAM"], no_declare=True, consumer_arguments={"x-stream-offset": place["offset"]})
    try:
        with Connection(os.environ["FEED_AMQP"]) as link, link.Consumer(stream, callbacks=[take], prefetch_count=100):
            while True:
                link.drain_events(timeout=90)  # heartbeats come more often: silence means that something is broken
    except (OSError, AMQPError) as error:
        print(f"{type(error).__name__}: {error}; again in a moment", flush=True)
        time.sleep(0.5)
