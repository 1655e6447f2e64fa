"""Agencies on the command line: what cannot be meant is refused before feed is asked; what is shown can be read."""

import json
import stat
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from rich.console import Console

from deploy import agency_page, agreement_file, cli, public_key
from deploy.agencies import agency_user
from deploy.certificates import ensure_certificates
from deploy.home import Home
from deploy.problem import Problem
from shared.runtime.variables import VARIABLES

SECRETS = {
    "amqp": {
        "uri": "amqps://agency-police:secret@broker:5671/partners",
        "stream": "feed.police",
        "exchange": "niangjia.police.events",
        "tls": None,
    },
    "http": {"url": "https://feed/feeds/police", "token": "a.b.c"},
    "webhook_secret": None,
}
AGENCY = {
    "name": "police",
    "kind": "police",
    "districts": ["330302", "3304"],
    "status": "active",
    "opened_at": "2026-03-01T00:00:00Z",
    "last": 7,
    "sandbox": False,
    "federation": None,
    "stream": {"number": 7},
    "webhook": {"state": "given_up", "number": 3},
    "last_receipt": {"number": 5, "receipt": "acted", "at": "2026-03-02T00:00:00Z"},
}


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable.name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NIANGJIA_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["add", "police", "--district", "33"], "Missing option '--contract'"),
        (["add", "police", "--contract", "police"], "Missing option '--district'"),
        (["add", "police", "--contract", "police", "--district", "330302004"], "use the 2, 4 or 6 digits of a place"),
        (["add", "police", "--contract", "police", "--district", "Ouhai"], "use the 2, 4 or 6 digits of a place"),
        (["add", "police", "--contract", "nobody", "--district", "33"], "nobody cannot be read"),
        (["replay", "police"], "Say where to begin"),
        (["replay", "police", "--from", "1", "--since", "2026-03-02T09:00:00+08:00"], "Say where to begin"),
        (["replay", "police", "--since", "2026-03-02T09:00:00"], "write a time with its offset"),
        (["replay", "police", "--since", "yesterday"], "write a time with its offset"),
        (["replay", "police", "--from", "0"], "Invalid value for '--from'"),
        (["remove", "police"], "Nobody can be asked here; use --yes"),
        (["webhook", "police"], "Missing option '--on'"),
        (["certificate", "police"], "Missing option '--out'"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["agencies", *arguments]) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.startswith("niangjia: ")
    assert err.count("\n") == 1


def test_the_page_of_secrets_names_every_way_that_was_agreed() -> None:
    page = agency_page.secrets("police", SECRETS)

    assert "a.b.c" in page
    assert SECRETS["amqp"]["uri"] in page  # type: ignore[index]
    assert "'https://feed/feeds/police/events?after=0'" in page
    assert "shown this once" in page
    assert "webhook secret" not in page
    assert "by AMQP: not agreed" in agency_page.secrets("police", {**SECRETS, "amqp": None})
    assert "whsec_x" in agency_page.secrets("police", {**SECRETS, "webhook_secret": "whsec_x"})


def test_the_table_shows_how_far_each_way_has_come() -> None:
    quiet = {**AGENCY, "name": "quiet", "stream": None, "webhook": None, "last_receipt": None}
    console = Console(width=200, record=True)
    console.print(agency_page.table([AGENCY, quiet]))

    first, second = console.export_text().splitlines()[1:3]
    assert first.split()[4:] == ["active", "7", "7", "3", "given", "up", "acted", "5,", "2026-03-02T00:00:00Z"]
    assert second.split() == ["quiet", "police", "330302,", "3304", "active", "7", "-", "-", "-"]


@pytest.mark.parametrize("kind", agreement_file.kinds())
def test_every_agreement_that_ships_can_be_said_in_words(kind: str) -> None:
    content = agreement_file.read(kind).content

    said = list(agency_page.agreement(content))

    assert said[0].startswith(content["title"]["en"])
    assert said[-1] == "  nothing else"
    grants = [line for line in said[1:-1] if not line.startswith("    of people: ")]
    assert len(grants) == len(content["grants"])
    for grant, line in zip(content["grants"], grants, strict=True):
        assert grant["event"] in line
        assert all(field in line for field in grant.get("fields", []))
    identity = {name for grant in content["grants"] for name in grant.get("identity", [])}
    assert all(any(name in line for line in said) for name in identity)


def test_a_public_key_is_read_as_jwk_or_pem_and_a_secret_one_refused(tmp_path: Path) -> None:
    secret = ec.generate_private_key(ec.SECP256R1())
    pem, jwk, private = tmp_path / "key.pem", tmp_path / "key.jwk", tmp_path / "private.pem"
    pem.write_bytes(secret.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    private.write_bytes(secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    found = public_key.read(pem)
    jwk.write_text(json.dumps(found), encoding="utf-8")

    assert found["kty"] == "EC"
    assert "d" not in found
    assert public_key.read(jwk) == found
    with pytest.raises(Problem, match="holds a secret key"):
        public_key.read(private)
    for nonsense in ("", "{}", "{", '{"kty": "oct", "k": "AA"}', "-----BEGIN PUBLIC KEY-----\n", "police"):
        jwk.write_text(nonsense, encoding="utf-8")
        with pytest.raises(Problem, match=r"key\.jwk holds"):
            public_key.read(jwk)


def test_a_user_of_the_broker_has_the_namespace_of_its_system() -> None:
    assert agency_user("", "police") == "agency-police"
    assert agency_user("city", "police") == "city-agency-police"


def test_a_certificate_lets_in_as_the_user_of_an_agency(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = Home.at(tmp_path / "home")
    home.secrets.mkdir(parents=True, mode=0o700)
    ensure_certificates(home)

    assert cli.run(["agencies", "certificate", "police", "--out", str(tmp_path / "out")]) == 0

    assert "agency-police" in capsys.readouterr().out
    files = {path.name: path for path in (tmp_path / "out").iterdir()}
    assert set(files) == {"police.pem", "police.key", "authority.pem"}
    assert stat.S_IMODE(files["police.key"].stat().st_mode) == 0o600
    certificate = x509.load_pem_x509_certificate(files["police.pem"].read_bytes())
    assert certificate.subject.rfc4514_string() == "CN=agency-police"
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(files["authority.pem"].read_bytes()))


def test_without_an_authority_no_certificate_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["agencies", "certificate", "police", "--out", "out"]) == 1
    assert "holds no authority" in capsys.readouterr().err
    assert not Path("out").exists()


def test_an_agreement_in_a_file_may_be_one_that_ships_and_was_changed(tmp_path: Path) -> None:
    shipped = agreement_file.read("police").content
    (tmp_path / "own.yml").write_text(yaml.safe_dump(dict(shipped), allow_unicode=True), encoding="utf-8")

    assert agreement_file.read("own.yml").content == shipped
