"""Events that are invented for a sandbox, in the form of real ones: nobody is to learn to read what never comes."""

from collections.abc import Mapping
from typing import Any

from services.feed.enrolment import command
from services.feed.model import REHEARSE
from services.feed.shareable import shareable
from shared.events import CATALOGUE
from shared.kernel import Message
from shared.runtime.problem import Fault, Invalid


def rehearsed(agency: str, form: Mapping[str, Any]) -> Message:
    """Return the command that delivers an invented event to a sandbox.

    Args:
        form: as `schemas.InventedEvent` has it.

    Raises:
        Invalid: no agreement can name such an event, or its data could not be that of one.
    """
    if form["type"] not in shareable():
        raise Invalid([Fault("type", f"must be one of {', '.join(shareable())}")])
    # what no agreement may name need not be there
    wrong = CATALOGUE.event_type(form["type"]).schema(partial=True).validate(form["data"])
    if wrong:
        raise Invalid([Fault(f"data.{name}", "cannot be so in a real event") for name in sorted(map(str, wrong))])
    return command(REHEARSE, {"agency": agency, "event": dict(form)})
