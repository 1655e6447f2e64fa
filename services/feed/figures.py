"""What is counted of calls. The labels are agencies and kinds of answers, both few."""

from prometheus_client import Counter, Gauge, Histogram

from shared.runtime.metrics import REGISTRY

CALLS = Counter(
    "niangjia_webhook_calls_total",
    "Calls of agencies, by what became of them",
    ["agency", "what", "outcome"],
    registry=REGISTRY,
)
CALL_SECONDS = Histogram(
    "niangjia_webhook_call_seconds",
    "Seconds from a call to its answer, or to giving it up",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15),
    registry=REGISTRY,
)
BEHIND = Gauge("niangjia_webhook_behind", "Deliveries that an agency has not taken yet", ["agency"], registry=REGISTRY)


def outcome(status: int | str) -> str:
    """Return a status as a label: one of few, whatever a partner answers."""
    return status if isinstance(status, str) else f"{status // 100}xx"
