"""What a service counts, for Prometheus. Labels are names of things in the house: never an id, never a person."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)

REQUESTS = Counter(
    "niangjia_http_requests_total", "Requests answered", ["method", "route", "status"], registry=REGISTRY
)
REQUEST_SECONDS = Histogram(
    "niangjia_http_request_seconds",
    "Seconds from the request's arrival to its answer",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=REGISTRY,
)
CONNECTIONS = Gauge("niangjia_http_connections", "Connections that are open", registry=REGISTRY)
STREAMS = Gauge("niangjia_http_streams", "Answers that are being sent bit by bit", registry=REGISTRY)
CUT = Counter(
    "niangjia_http_connections_cut_total",
    "Connections that the service ended: no room for more, no TLS, or nobody reads",
    ["why"],
    registry=REGISTRY,
)
MESSAGES = Counter(
    "niangjia_messages_total", "Commands and events, by what became of them", ["type", "fate"], registry=REGISTRY
)
BATCH = Histogram(
    "niangjia_commit_messages",
    "Messages that one transaction took",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500),
    registry=REGISTRY,
)
COMMIT_SECONDS = Histogram(
    "niangjia_commit_seconds",
    "Seconds that one commit took",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
    registry=REGISTRY,
)
COLLISIONS = Counter("niangjia_commit_collisions_total", "Commits that met another process's", registry=REGISTRY)
PUBLISHED = Counter("niangjia_events_published_total", "Events that the broker confirmed", registry=REGISTRY)
UNPUBLISHED = Gauge("niangjia_events_unpublished", "Events stored and not yet confirmed", registry=REGISTRY)
LEADER = Gauge("niangjia_relay_leader", "1 where this process publishes the journal", registry=REGISTRY)
PARKED = Gauge("niangjia_parked_events", "Events that wait for another try", registry=REGISTRY)
DEAD = Gauge("niangjia_dead_letters", "Events that wait for a person", registry=REGISTRY)
PAUSED = Gauge("niangjia_consumer_paused", "1 while a consumer waits for what is away", ["queue"], registry=REGISTRY)


def exposition() -> bytes:
    """Return all figures in the Prometheus text format."""
    return generate_latest(REGISTRY)
