"""The HTTP entrypoint: every route wants a token and names the roles that it opens to.

class IntakeService(Service):
    @http("POST", "/reports", roles={Role.OPERATOR}, takes=schemas.Report, answers=answers.Receipt)
    def receive(self, request: Request) -> Answer:
        ...
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, TypeVar

from eventlet.event import Event as Signal
from nameko.extensions import Entrypoint

from shared.runtime.answer import Answer, Request
from shared.runtime.auth import Role
from shared.runtime.contract import Contract
from shared.runtime.server import Server

__all__ = ["Answer", "Endpoint", "Request", "http"]

#: A service method that answers requests.
Method = TypeVar("Method", bound=Callable[..., Answer])


class Endpoint(Entrypoint):
    """A method and a path that a service method answers."""

    server = Server()

    def __init__(self, method: str, path: str, *, roles: Iterable[Role], contract: Contract, **options: Any) -> None:
        self.method = method
        self.path = path
        self.roles = frozenset(roles)
        self.contract = contract
        super().__init__(**options)

    def setup(self) -> None:
        """Register with the server that all endpoints of a service share."""
        self.server.register_provider(self)
        self.server.routes.add(self)

    def stop(self) -> None:
        """Take no more requests."""
        self.server.unregister_provider(self)
        super().stop()

    def call(self, request: Request, parts: Mapping[str, str]) -> Answer:
        """Run the service method as a nameko worker and return its answer."""
        result = Signal()
        self.container.spawn_worker(self, (request,), dict(parts), handle_result=partial(self._handle_result, result))
        answer: Answer = result.wait()
        return answer

    @staticmethod
    def _handle_result(signal: Signal, _worker_ctx: Any, result: Any, exc_info: Any) -> tuple[Any, Any]:
        signal.send(result, exc_info)
        return result, exc_info


def http(method: str, path: str, *, roles: Iterable[Role], **contract: Any) -> Callable[[Method], Method]:
    """Let a service method answer `method` at `path` (with `<name>` for a part that varies) to bearers of `roles`.

    What else is given goes into its `Contract`.
    """
    decorate: Callable[[Method], Method] = Endpoint.decorator(method, path, roles=roles, contract=Contract(**contract))
    return decorate
