"""What we sign, the reference implementation of Standard Webhooks takes, and nothing else."""

import base64
import secrets
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from services.feed.enrolment import Keys
from services.feed.signature import signed

BODY = '{"type":"referral.requested","data":{"grade":"red","名":"王"}}'.encode()


def secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def now() -> datetime:
    return datetime.now(UTC)


def test_a_signature_is_taken() -> None:
    key = secret()
    assert Webhook(key).verify(BODY, signed("id-1", now(), BODY, [key])) == {
        "type": "referral.requested",
        "data": {"grade": "red", "名": "王"},
    }


def test_the_secret_that_an_agency_is_told_is_one() -> None:
    key = Keys.new().webhook_secret
    Webhook(key).verify(BODY, signed("id-1", now(), BODY, [key]))


def test_while_two_secrets_count_either_is_enough() -> None:
    new, old = secret(), secret()
    headers = signed("id-1", now(), BODY, [new, old])

    Webhook(new).verify(BODY, headers)
    Webhook(old).verify(BODY, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret()).verify(BODY, headers)
    assert headers["webhook-signature"].count(" ") == 1


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp"])
def test_id_time_and_body_are_signed(name: str) -> None:
    key = secret()
    headers = signed("id-1", now(), BODY, [key])
    other = signed("id-2", now() + timedelta(seconds=2), BODY, [key])

    with pytest.raises(WebhookVerificationError, match="No matching signature found"):
        Webhook(key).verify(BODY, {**headers, name: other[name]})
    with pytest.raises(WebhookVerificationError):
        Webhook(key).verify(BODY + b" ", headers)


def test_what_is_old_is_not_taken() -> None:
    key = secret()
    with pytest.raises(WebhookVerificationError):
        Webhook(key).verify(BODY, signed("id-1", now() - timedelta(minutes=6), BODY, [key]))


@given(st.text(), st.uuids())
def test_it_is_the_signature_of_the_reference(text: str, id: object) -> None:
    key, at = secret(), now()
    expected = Webhook(key).sign(str(id), at.replace(microsecond=0), text) if text.isascii() else None
    if expected:
        assert signed(str(id), at, text.encode(), [key])["webhook-signature"] == expected
