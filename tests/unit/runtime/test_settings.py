"""Settings are read from the environment, and an error says which variable is wrong and what to do."""

from pathlib import Path

import pytest

from shared.runtime.settings import Settings, database_name
from shared.runtime.variables import VARIABLES, SettingError

AMQP = "amqp://niangjia:p4ss@127.0.0.1:5672/niangjia"
MONGO = "mongodb://niangjia:p4ss@127.0.0.1:27017/?replicaSet=rs0"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable.name, raising=False)
        monkeypatch.delenv(f"{variable.name}_FILE", raising=False)
    (tmp_path / "secrets").mkdir()
    monkeypatch.setenv("NIANGJIA_HOME", str(tmp_path))
    monkeypatch.setenv("AMQP_URI", AMQP)
    monkeypatch.setenv("MONGO_URI", MONGO)


def test_defaults_lie_in_the_home_folder(tmp_path: Path) -> None:
    settings = Settings.from_environment("intake")

    assert settings.secrets == tmp_path / "secrets"
    assert settings.outbox == str(tmp_path / "outbox")
    assert (settings.http_host, settings.http_port, settings.log_level) == ("127.0.0.1", 8000, "info")
    assert settings.rules is None


def test_names_carry_the_namespace_when_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Settings.from_environment("referral")
    monkeypatch.setenv("NIANGJIA_NAMESPACE", "t7")
    named = Settings.from_environment("referral")

    assert (plain.database, plain.exchange("intake"), plain.queue("referral", "intake")) == (
        "niangjia_referral",
        "intake.events",
        "referral.from.intake",
    )
    assert (named.database, named.exchange("intake"), named.queue("referral", "intake")) == (
        "niangjia_t7_referral",
        "t7.intake.events",
        "t7.referral.from.intake",
    )
    assert database_name("intake", "t7") == "niangjia_t7_intake"


def test_a_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "amqp").write_text(f"{AMQP}\n")
    monkeypatch.delenv("AMQP_URI")
    monkeypatch.setenv("AMQP_URI_FILE", str(tmp_path / "amqp"))

    assert Settings.from_environment("intake").amqp_uri == AMQP


def test_a_secret_given_twice_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AMQP_URI_FILE", str(tmp_path / "amqp"))

    with pytest.raises(SettingError, match="AMQP_URI and AMQP_URI_FILE are both set; keep one"):
        Settings.from_environment("intake")


def test_a_secret_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MONGO_URI")
    monkeypatch.setenv("MONGO_URI_FILE", str(tmp_path / "gone"))

    with pytest.raises(SettingError, match=r"MONGO_URI_FILE cannot be read \(.*gone"):
        Settings.from_environment("intake")


def test_empty_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NIANGJIA_HTTP_PORT", "NIANGJIA_LOG_LEVEL", "NIANGJIA_RULES", "NIANGJIA_SECRETS"):
        monkeypatch.setenv(name, "")

    assert Settings.from_environment("intake").http_port == 8000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AMQP_URI", ""),
        ("AMQP_URI", "http://127.0.0.1"),
        ("AMQP_URI", "amqp://[broken"),
        ("MONGO_URI", ""),
        ("MONGO_URI", "niangjia"),
        ("NIANGJIA_SECRETS", "/not/there"),
        ("NIANGJIA_RULES", "/not/there"),
        ("NIANGJIA_NAMESPACE", "Bad.Name"),
        ("NIANGJIA_NAMESPACE", "much2longthatistoolong"),
        ("NIANGJIA_HTTP_PORT", "http"),
        ("NIANGJIA_HTTP_PORT", "0"),
        ("NIANGJIA_HTTP_PORT", "65536"),
        ("NIANGJIA_INTAKE_URL", "intake:8000"),
        ("NIANGJIA_LOG_LEVEL", "loud"),
    ],
)
def test_an_error_names_the_variable_and_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingError, match=rf"^{name} .+; ") as raised:
        Settings.from_environment("intake")

    assert raised.value.variable == name


def test_no_password_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "p4ss" not in repr(Settings.from_environment("intake"))
    monkeypatch.setenv("AMQP_URI", "ftp://niangjia:p4ss@127.0.0.1")

    with pytest.raises(SettingError) as raised:
        Settings.from_environment("intake")

    assert "p4ss" not in str(raised.value)


def test_tls_is_spoken_where_certificate_and_key_are_given(monkeypatch: pytest.MonkeyPatch, certificate: Path) -> None:
    assert Settings.from_environment("feed").http_certificate is None
    monkeypatch.setenv("NIANGJIA_HTTP_CERTIFICATE", str(certificate / "chain.pem"))
    monkeypatch.setenv("NIANGJIA_HTTP_KEY", str(certificate / "key.pem"))
    settings = Settings.from_environment("feed")

    assert (settings.http_certificate, settings.http_key) == (certificate / "chain.pem", certificate / "key.pem")


@pytest.mark.parametrize(
    ("chain", "key", "said"),
    [
        ("chain.pem", "", "NIANGJIA_HTTP_KEY is not set, and NIANGJIA_HTTP_CERTIFICATE is"),
        ("", "key.pem", "NIANGJIA_HTTP_CERTIFICATE is not set, and NIANGJIA_HTTP_KEY is"),
        ("nowhere.pem", "key.pem", "NIANGJIA_HTTP_CERTIFICATE cannot be read"),
        ("chain.pem", "nowhere.pem", "NIANGJIA_HTTP_KEY cannot be read"),
        ("chain.pem", "chain.pem", "cannot be used together"),
        ("key.pem", "key.pem", "cannot be used together"),
        ("chain.pem", "other.pem", "cannot be used together"),
        ("chain.pem", "locked.pem", "cannot be used together"),
    ],
)
def test_tls_that_could_not_be_spoken_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, certificate: Path, chain: str, key: str, said: str
) -> None:
    for name, file in (("NIANGJIA_HTTP_CERTIFICATE", chain), ("NIANGJIA_HTTP_KEY", key)):
        monkeypatch.setenv(name, str(certificate / file) if file else "")

    with pytest.raises(SettingError, match=said):
        Settings.from_environment("feed")
