"""Runs one service as a process: `python -m shared.runtime.run services.intake.service`."""

import warnings

warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")

import eventlet  # noqa: E402

eventlet.monkey_patch()  # before anything else is imported: what was imported earlier would block everybody

import gc  # noqa: E402
import importlib  # noqa: E402
import os  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
from types import FrameType  # noqa: E402

import structlog  # noqa: E402
from nameko.runners import ServiceRunner  # noqa: E402

from shared.runtime import log  # noqa: E402
from shared.runtime.service import Service  # noqa: E402
from shared.runtime.settings import Settings  # noqa: E402
from shared.runtime.variables import SettingError  # noqa: E402

#: Requests and batches that a process works on at the same time.
MAX_WORKERS = 512
#: When the collector looks for cycles. A batch keeps many objects alive at a time and leaves few cycles: with Python's
#: usual 700 a service spends four to nine per cent of its processor time on looking.
COLLECTING = (20_000, 20, 20)


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM or SIGINT; then finish what is in hand. Returns the exit code."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m shared.runtime.run MODULE   (as in services.intake.service)\n")
        return 2
    gc.set_threshold(*COLLECTING)
    service = _service(arguments[0])
    try:
        settings = Settings.from_environment(service.name)
        settings.key("token"), settings.key("master"), settings.key("index")
    except SettingError as error:
        sys.stderr.write(f"{service.name}: {error}\n")
        return 2
    log.configure(service.name, settings.log_level)
    os.nice(service.niceness)
    _serve(service, settings)
    return 0


def _service(module: str) -> type[Service]:
    """Return the service class that a module defines."""
    content = vars(importlib.import_module(module)).values()
    return next(
        c
        for c in content
        if isinstance(c, type) and issubclass(c, Service) and c is not Service and c.__module__ == module
    )


def _serve(service: type[Service], settings: Settings) -> None:
    logger = structlog.get_logger(__name__)
    config = {"AMQP_URI": settings.amqp_uri, "max_workers": MAX_WORKERS, "settings": settings}
    runner = ServiceRunner(config)
    runner.add_service(service)

    def stop(_number: int, _frame: FrameType | None) -> None:
        eventlet.spawn_n(runner.stop)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    runner.start()
    # What is alive now stays alive; the collector need not walk it again and again.
    gc.collect()
    gc.freeze()
    logger.info("serving", action="start", address=f"{settings.http_host}:{settings.http_port}")
    runner.wait()
    logger.info("stopped", action="stop")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
