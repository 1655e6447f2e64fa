"""What feed answers to the agencies themselves: each its own feed, and nothing else of the house."""

from http import HTTPStatus

from services.feed import answers, pull_answers, schemas
from services.feed.door import Door
from services.feed.identity import ClaimCheck, intake
from services.feed.live import CONTENT_TYPE
from services.feed.pull import Pull, number_of
from services.feed.watch import Watch
from shared.runtime.auth import Role
from shared.runtime.form import load
from shared.runtime.http import Answer, Request, http
from shared.runtime.jsontext import parse
from shared.runtime.work import UnitOfWork

PARTNERS = {Role.AGENCY}

_GONE = "It was recalled: consent withdrawn, referral cancelled, or the person erased. Use it no longer."

_event_query = schemas.EventQuery()
_stream_query = schemas.StreamQuery()
_receipt_form = schemas.ReceiptForm()
_span_form = schemas.Span()


class PartnerEndpoints:
    """A part of the nameko service."""

    work: UnitOfWork
    watch = Watch()
    #: Of the process: nameko makes a service object for each request.
    door = Door()

    @http("GET", "/feeds/<agency>", roles={*PARTNERS, Role.ADMIN}, answers=pull_answers.FeedShown)
    def show_feed(self, request: Request, agency: str) -> Answer:
        """Show how things stand: the last number, what is agreed, how far each way is."""
        return Answer(content=self._pull(request, agency).status())

    @http(
        "GET",
        "/feeds/<agency>/contract",
        roles={*PARTNERS, Role.ADMIN},
        answers=pull_answers.ContractShown,
        headers={
            "Accept": "`text/html` for a page to read; a program gets AsyncAPI as JSON.",
            "Accept-Language": "`zh` or `en`, for the page.",
        },
    )
    def show_contract(self, request: Request, agency: str) -> Answer:
        """Show what the agency gets, for its developers: an AsyncAPI 3.0 document, or a page."""
        return self._pull(request, agency).contract(request.accept, request.accept_language)

    @http("GET", "/feeds/<agency>/events", roles=PARTNERS, query=schemas.EventQuery, answers=pull_answers.CloudEvents)
    def list_events(self, request: Request, agency: str) -> Answer:
        """Return deliveries after a number, in their order and without a gap.

        What may not be read any more keeps its number and says nothing else: `delivery.withheld`.
        """
        feed = self._pull(request, agency)
        return Answer(body=feed.events(load(_event_query, dict(request.query))))

    @http(
        "GET",
        "/feeds/<agency>/stream",
        roles=PARTNERS,
        query=schemas.StreamQuery,
        headers={"Last-Event-ID": "The number of the last event that arrived; counts more than `after`."},
        content_type=CONTENT_TYPE,
    )
    def stream_events(self, request: Request, agency: str) -> Answer:
        """Send deliveries as Server-Sent Events while they are made.

        `id` is the number, `event` the type, `data` a CloudEvent in one line. `feed.heartbeat`, which has no id, says
        that nothing happened and nothing is broken. A stream ends with its key, or when the service stops: come again.
        """
        feed = self._pull(request, agency)
        return feed.stream(request.bearer, load(_stream_query, dict(request.query)), request.last_event_id)

    @http("GET", "/feeds/<agency>/deliveries/<number>", roles=PARTNERS, answers=pull_answers.DeliveryShown)
    def show_delivery(self, request: Request, agency: str, number: str) -> Answer:
        """Show the record of one delivery: when, what for, its hash and its receipts."""
        return Answer(content=self._pull(request, agency).record(number_of(number)))

    @http(
        "GET",
        "/feeds/<agency>/deliveries/<number>/fields",
        roles=PARTNERS,
        answers=pull_answers.ToldFields,
        refuses={HTTPStatus.GONE: _GONE},
    )
    def tell_identity(self, request: Request, agency: str, number: str) -> Answer:
        """Tell who the people are, as far as agreement and consent allow it now; each time is written down."""
        feed = self._pull(request, agency)
        claims = ClaimCheck(self.watch.permissions, intake(self.work.settings))
        return Answer(content=feed.identity(number_of(number), claims))

    @http(
        "POST",
        "/feeds/<agency>/receipts",
        roles=PARTNERS,
        takes=schemas.ReceiptForm,
        answers=pull_answers.ReceiptTaken,
        statuses=(HTTPStatus.OK, HTTPStatus.CREATED),
    )
    def take_receipt(self, request: Request, agency: str) -> Answer:
        """Record that a delivery was received, or acted on; the same again is answered the same."""
        feed = self._pull(request, agency)
        form = load(_receipt_form, parse(request.body))
        return feed.receipt(form["number"], form["receipt"])

    @http("POST", "/feeds/<agency>/replays", roles=PARTNERS, takes=schemas.Span, answers=answers.Replayed)
    def ask_again(self, request: Request, agency: str) -> Answer:
        """Deliver again what was delivered, under new numbers, as far as the agreement of today grants it."""
        feed = self._pull(request, agency)
        return Answer(content=feed.replay(load(_span_form, parse(request.body))))

    def _pull(self, request: Request, agency: str) -> Pull:
        states = self.work.unit.states
        found = self.door.enter(request.bearer, agency, lambda name: states.find_one("agency", name))
        return Pull(self.work, self.watch, self.door, found)
