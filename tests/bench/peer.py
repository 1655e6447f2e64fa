"""The two peers as systems: four processes each, started as their documentation does."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.read_concern import ReadConcern

from tests.bench import broker
from tests.bench.process import Process, listening, stop, wait_until
from tests.bench.system import CONSUMERS, Place
from tests.support.system import free_port

_PEERS = Path(__file__).parent / "peers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a peer is run."""

    name: str
    #: Command of each service, given its name and the port for HTTP.
    command: Callable[[str, int], Sequence[str]]
    #: Name of the queue of a consumer, given the namespace and the consumer.
    queue: Callable[[str, str], str]


def _program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _nameko(service: str, port: int) -> list[str]:
    target = f"tests.bench.peers.nameko_documented:{service.capitalize()}Service"
    return [_program("nameko"), "run", "--config", str(_PEERS / "nameko.yml"), target]


def _faststream(service: str, port: int) -> list[str]:
    module = "tests.bench.peers.faststream_starlette"
    if service == "intake":
        served = [_program("uvicorn"), f"{module}:intake", "--host", "127.0.0.1", "--port", str(port)]
        return [*served, "--no-access-log", "--log-level", "warning"]
    return [_program("faststream"), "run", "--factory", f"{module}:{service}", "--log-level", "warning"]


NAMEKO = Recipe(
    name="nameko",
    command=_nameko,
    queue=lambda namespace, consumer: f"evt-{namespace}.intake-case_created--{namespace}.{consumer}.handle",
)
FASTSTREAM = Recipe(
    name="FastStream",
    command=_faststream,
    queue=lambda namespace, consumer: f"{namespace}.{consumer}.case_created",
)


class Peer:
    """A peer during one round."""

    def __init__(self, recipe: Recipe, place: Place) -> None:
        self.name = recipe.name
        self.address = ("127.0.0.1", free_port())
        self.headers: Mapping[str, str] = {}
        self._recipe = recipe
        self._place = place
        self._queues = [recipe.queue(place.namespace, consumer) for consumer in CONSUMERS]
        self._processes: list[Process] = []
        self._mongo: MongoClient[dict[str, Any]] = MongoClient(place.mongo_uri)
        self._effects = {
            consumer: self._mongo[f"{place.namespace}_{consumer}"].get_collection(
                "effects", read_concern=ReadConcern("majority")
            )
            for consumer in CONSUMERS
        }

    def start(self) -> None:
        environment = {
            "AMQP_URI": self._place.amqp_uri,
            "MONGO_URI": self._place.mongo_uri,
            "BENCH_NAMESPACE": self._place.namespace,
            "BENCH_PORT": str(self.address[1]),
        }
        for service in ("intake", *CONSUMERS):
            command = self._recipe.command(service, self.address[1])
            self._processes.append(Process(service, command, environment, self._place.folder))
        wait_until(self._ready, self._processes, self.name)

    def stop(self) -> None:
        stop(self._processes)
        exchange = f"{self._place.namespace}.intake.events"
        broker.forget(self._place.amqp_uri, queues=self._queues, exchanges=[exchange])
        for service in ("intake", *CONSUMERS):
            self._mongo.drop_database(f"{self._place.namespace}_{service}")
        self._mongo.close()

    def pids(self) -> Mapping[str, int]:
        return {process.name: process.pid for process in self._processes}

    def estimate(self) -> Mapping[str, int]:
        return {consumer: effects.estimated_document_count() for consumer, effects in self._effects.items()}

    def count(self) -> Mapping[str, int]:
        return {consumer: effects.count_documents({}) for consumer, effects in self._effects.items()}

    def _ready(self) -> bool:
        return listening(self.address) and broker.consumed(self._place.amqp_uri, self._queues)
