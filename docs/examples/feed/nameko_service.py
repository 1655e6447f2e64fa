"""A nameko service that hears of referrals: pip install nameko. Its own broker federates the agency's exchange.

Reads from the environment:
  FEED_AGENCY  name of the agency, as the address of its feed ends
"""

import os

from nameko.events import EventHandler, event_handler

SOURCE = f"niangjia.{os.environ['FEED_AGENCY']}"


class DeliveryHandler(EventHandler):
    """Hands over the attributes, too: the number, the time, where people can be asked for."""

    def handle_message(self, body, message):
        attributes = {name.removeprefix("cloudEvents_"): value for name, value in message.headers.items()}
        super().handle_message({**attributes, "data": body}, message)


delivery_handler = DeliveryHandler.decorator


class Desk:
    name = "desk"

    @event_handler(SOURCE, "referral.requested")
    def on_requested(self, data):
        print("requested", data["number"], "for", data["purpose"], "until", data["finish_by"], flush=True)

    @delivery_handler(SOURCE, "delivery.recalled")
    def on_recalled(self, delivery):
        print("number", int(delivery["sequence"]), "recalls", *delivery["data"]["numbers"], flush=True)
