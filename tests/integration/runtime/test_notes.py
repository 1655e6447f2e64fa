"""What is only noted about a case is sealed with the key that the case has."""

from datetime import UTC, datetime

import pytest
from pymongo.database import Database

from services.intake.model import IntakeModel
from shared.kernel import Message
from shared.privacy import BlindIndex
from shared.runtime.database import Document
from shared.runtime.ticket import Fate
from tests.acceptance import city
from tests.acceptance.people import report
from tests.integration.runtime.store import Store


def test_who_opened_a_file_is_sealed_with_the_key_of_the_case(
    database: Database[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(city, "blind", BlindIndex(bytes(32)))
    store = Store(database, IntakeModel()).prepare()
    (received,) = store.do(city.report_command(report(category="domestic_violence")))
    case_id = (received.answer or {})["case_id"]
    # The case is remembered, its key is not any more.
    store.keys._keys.clear()
    asked = {"case_id": case_id, "purpose": "casework", "audience": "caseworker", "by": "王姐"}
    (opened,) = store.do(Message(id="open", type="open_file", time=datetime.now(UTC), data=asked, case=case_id))

    assert opened.fate is Fate.DONE
    (entry,) = store.unit.journal.caused_by(["open"])
    (record,) = entry["events"]
    assert "王姐" not in record["data"]
    assert store.unit.journal.private(record) == {"by": "王姐"}
    assert database["keys"].count_documents({}) == 1
