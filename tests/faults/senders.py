"""Those who send reports while everything is killed: stubborn, and they write down what they were answered."""

import threading
import time
from collections.abc import Sequence
from typing import Any

import requests

from shared.runtime.auth import Role
from tests.bench import reports as generated
from tests.faults.installation import ROOT, Installation

Report = dict[str, Any]
WEEK = ROOT / "deploy" / "sample" / "week"
#: How long one report is sent again and again.
PATIENCE_SECONDS = 90
PAUSE_SECONDS = 0.05


def make_reports(amount: int, seed: int, *, joining: float = 0.5) -> list[Report]:
    """Return reports of which many join a case that is there, so that cases have an order to keep."""
    usual, generated.JOINING = generated.JOINING, joining
    try:
        made = generated.Reports(generated.templates(WEEK / "reports.jsonl"), seed=seed).take(amount)
    finally:
        generated.JOINING = usual
    for report in made:
        report["report_key"] = f"{seed}-{report['report_key']}"
    return made


class Senders:
    """Send reports from several threads, each until it is answered with 201."""

    def __init__(self, installation: Installation, reports: Sequence[Report], threads: int = 8) -> None:
        self._url = f"{installation.home.service_url('intake')}/reports"
        self._installation = installation
        self._waiting = list(reversed(reports))
        self._lock = threading.Lock()
        #: What was answered, by report key.
        self.answers: dict[str, Report] = {}
        #: Answers and errors other than 201, by what they were.
        self.setbacks: dict[str, int] = {}
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def wait_for(self, accepted: int) -> None:
        """Return when so many reports are accepted."""
        until = time.monotonic() + PATIENCE_SECONDS
        while len(self.answers) < accepted and any(thread.is_alive() for thread in self._threads):
            assert time.monotonic() < until, f"{len(self.answers)} of {accepted} accepted; {self.setbacks}"
            time.sleep(0.01)

    def join(self) -> None:
        """Return when all reports were answered."""
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        session = self._installation.caller(Role.OPERATOR)
        while report := self._next():
            until = time.monotonic() + PATIENCE_SECONDS
            while time.monotonic() < until and not self._is_accepted(session, report):
                time.sleep(PAUSE_SECONDS)
        session.close()

    def _next(self) -> Report | None:
        with self._lock:
            return self._waiting.pop() if self._waiting else None

    def _is_accepted(self, session: requests.Session, report: Report) -> bool:
        try:
            answer = session.post(self._url, data=generated.encoded(report), timeout=30)
        except requests.RequestException as error:
            self._note(type(error).__name__)
            return False
        if answer.status_code != 201:
            self._note(str(answer.status_code))
            return False
        self.answers[report["report_key"]] = answer.json()
        return True

    def _note(self, setback: str) -> None:
        with self._lock:
            self.setbacks[setback] = self.setbacks.get(setback, 0) + 1
