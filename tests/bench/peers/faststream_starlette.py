"""The flow in FastStream, Starlette and PyMongo's asynchronous client, as their documentation writes it.

`intake` is served by uvicorn (with uvloop and httptools), the three consumers are each run by `faststream run`. Queues
are durable, messages persistent and confirmed. What arrives between two of the steps is lost when a process dies.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from faststream import FastStream
from faststream.rabbit import ExchangeType, RabbitBroker, RabbitExchange, RabbitQueue
from pymongo import AsyncMongoClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

NAMESPACE = os.environ["BENCH_NAMESPACE"]
EVENTS = RabbitExchange(f"{NAMESPACE}.intake.events", type=ExchangeType.TOPIC, durable=True)

# A line of log for every message is left out, as any busy service would.
broker = RabbitBroker(os.environ["AMQP_URI"], logger=None)
client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(os.environ["MONGO_URI"])


async def receive(request: Request) -> JSONResponse:
    report = await request.json()
    case_id = str(uuid4())
    await client[f"{NAMESPACE}_intake"].cases.insert_one({"_id": case_id, **report})
    event = {
        "case_id": case_id,
        "district": report["district"],
        "category": report.get("category"),
        "risk_factors": report.get("risk_factors", []),
        "wishes": report.get("wishes", []),
    }
    await broker.publish(event, exchange=EVENTS, routing_key="case_created", persist=True)
    return JSONResponse({"case_id": case_id}, status_code=201)


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    async with broker:
        await broker.declare_exchange(EVENTS)
        yield


def consumer(service: str) -> FastStream:
    """Return the application of one consumer; each runs in a process of its own."""
    effects = client[f"{NAMESPACE}_{service}"].effects
    queue = RabbitQueue(f"{NAMESPACE}.{service}.case_created", durable=True, routing_key="case_created")

    @broker.subscriber(queue, EVENTS)
    async def handle(event: dict[str, Any]) -> None:
        await effects.insert_one(event)

    return FastStream(broker)


def referral() -> FastStream:
    return consumer("referral")


def volunteer() -> FastStream:
    return consumer("volunteer")


def notification() -> FastStream:
    return consumer("notification")


intake = Starlette(routes=[Route("/reports", receive, methods=["POST"])], lifespan=lifespan)
