"""The environment variables that Niangjia reads, with what each means and what to do when it is wrong.

`.env.example` and `docs/reference/settings.md` are held equal to this table by tests. A variable that can hold a
password may instead be given as a file, by the same name with `_FILE` at the end, so that no secret has to stand in
an environment.
"""

from dataclasses import dataclass

SERVICES = ("intake", "referral", "volunteer", "notification", "feed")
LANGUAGES = ("zh", "en")
LOG_LEVELS = ("debug", "info", "warning", "error")


class SettingError(Exception):
    """A setting is missing or cannot be used; the text names it, says what is wrong, and what to do."""

    def __init__(self, variable: str, problem: str, remedy: str) -> None:
        super().__init__(f"{variable} {problem}; {remedy}")
        self.variable = variable
        self.problem = problem
        self.remedy = remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One environment variable, as an operator has to know it."""

    name: str
    #: As it would be written in the environment; empty when there is none.
    default: str = ""
    meaning: str
    #: What to do when it is missing or wrong.
    remedy: str
    #: Who reads it: the service processes, the `niangjia` command line, `docker compose` (which tells the services).
    readers: tuple[str, ...] = ("services", "command line")
    #: Can hold a password: may be given by a file that `<name>_FILE` names.
    secret: bool = False


VARIABLES: tuple[Variable, ...] = (
    Variable(
        name="NIANGJIA_HOME",
        default=".niangjia",
        meaning="Folder for everything that a system without containers keeps: data, secrets, logs, ports.",
        remedy="name a folder that may be written",
    ),
    Variable(
        name="AMQP_URI",
        meaning="RabbitMQ to use, with user, password and virtual host. Empty: `niangjia up` starts one of its own.",
        remedy="write it as amqp://user:password@host:5672/vhost, or run `niangjia up`",
        secret=True,
    ),
    Variable(
        name="MONGO_URI",
        meaning="MongoDB replica set to use, without a database. Empty: `niangjia up` starts one of its own.",
        remedy="write it as mongodb://user:password@host:27017/?replicaSet=rs0, or run `niangjia up`",
        secret=True,
    ),
    Variable(
        name="NIANGJIA_SECRETS",
        default="$NIANGJIA_HOME/secrets",
        meaning="Folder with token.key, master.key and index.key, each 64 hexadecimal characters.",
        remedy="name a folder that holds the three keys",
    ),
    Variable(
        name="NIANGJIA_SIGNER",
        default="$NIANGJIA_HOME/secrets/signing.key",
        meaning="File with the key with which the federation signs anchors and evidence, 64 hexadecimal characters.",
        remedy="name the file, or leave it empty to have one generated",
        readers=("command line",),
    ),
    Variable(
        name="NIANGJIA_ANCHORS",
        default="$NIANGJIA_HOME/anchors",
        meaning="Folder for copies of the anchors; to be kept where nobody who may change the database may write.",
        remedy="name a folder that may be written",
        readers=("command line",),
    ),
    Variable(
        name="NIANGJIA_TSA_URL",
        meaning="Time-stamping authority (RFC 3161) that stamps each anchor. Empty: none does.",
        remedy="write it as http://host/path",
        readers=("command line",),
    ),
    Variable(
        name="NIANGJIA_NAMESPACE",
        meaning="Goes before the names of databases, exchanges and queues, so that systems can share a broker.",
        remedy="use up to 16 small letters and digits, a letter first",
    ),
    Variable(
        name="NIANGJIA_HTTP_HOST",
        default="127.0.0.1",
        meaning="Address on which a service listens.",
        remedy="use an address of this machine",
        readers=("services",),
    ),
    Variable(
        name="NIANGJIA_HTTP_PORT",
        default="8000",
        meaning="Port on which a service listens; `niangjia up` chooses a free one for each.",
        remedy="use a number from 1 to 65535",
        readers=("services",),
    ),
    Variable(
        name="NIANGJIA_HTTP_CERTIFICATE",
        meaning="Certificate chain (PEM) with which a service speaks TLS. None where it is empty, or by `niangjia up`.",
        remedy="name a readable PEM file and its key in NIANGJIA_HTTP_KEY, or leave both empty",
        readers=("services",),
    ),
    Variable(
        name="NIANGJIA_HTTP_KEY",
        meaning="Key (PEM, without a password) of that certificate.",
        remedy="name a readable PEM file beside NIANGJIA_HTTP_CERTIFICATE, or leave both empty",
        readers=("services",),
    ),
    Variable(
        name="NIANGJIA_INTAKE_URL",
        default="http://127.0.0.1:8000",
        meaning="Where intake answers: asked for what must be disclosed, and by the command line for cases.",
        remedy="write it as http://host:port",
    ),
    *(
        Variable(
            name=f"NIANGJIA_{service.upper()}_URL",
            meaning=f"Where {service} answers, for a command line beside services that it did not start itself.",
            remedy="write it as http://host:port",
            readers=("command line",),
        )
        for service in SERVICES
        if service not in {"intake", "feed"}
    ),
    Variable(
        name="NIANGJIA_FEED_URL",
        default="http://127.0.0.1:8000",
        meaning="Where feed answers: for the command line, and for agencies where no public address is given.",
        remedy="write it as http://host:port",
    ),
    Variable(
        name="NIANGJIA_FEED_PUBLIC_URL",
        meaning="Where agencies reach feed, TLS in front of it; their datarefs begin so. Empty: NIANGJIA_FEED_URL.",
        remedy="write it as https://host, with a path where the proxy wants one",
        readers=("services", "compose"),
    ),
    Variable(
        name="NIANGJIA_BROKER_API",
        meaning="Management API of RabbitMQ, with an administrator: feed makes the agencies' users and streams by it. "
        "Empty: AMQP_URI's user and host, port 15672.",
        remedy="write it as http://user:password@host:15672, or add agencies without a stream",
        secret=True,
    ),
    Variable(
        name="NIANGJIA_PARTNER_AMQP",
        meaning="Where agencies reach RabbitMQ, as they are told. Empty: at AMQP_URI's host and port.",
        remedy="write it as amqps://host:5671",
        readers=("services", "command line", "compose"),
    ),
    Variable(
        name="NIANGJIA_STREAM_DAYS",
        default="30",
        meaning="Days for which a message stays in an agency's stream; over HTTPS it can be had longer.",
        remedy="use a number from 1 to 3650",
        readers=("services", "compose"),
    ),
    Variable(
        name="NIANGJIA_STREAM_MEGABYTES",
        default="64",
        meaning="Size at which the oldest messages leave an agency's stream, whatever their age.",
        remedy="use a number from 1 to 100000",
        readers=("services", "compose"),
    ),
    Variable(
        name="NIANGJIA_WEBHOOK_DELAYS",
        default="5,300,1800,7200,18000,36000,50400,72000,86400",
        meaning="Seconds between the tries of a webhook; after the last try the agency is called no more.",
        remedy="write numbers separated by commas, as in 5,300,1800",
        readers=("services", "compose"),
    ),
    Variable(
        name="NIANGJIA_WEBHOOK_PRIVATE",
        meaning="Networks and hosts that webhooks may be in though they are private, and with http too, as in "
        "10.8.0.0/16,hooks.intranet. Empty: public addresses only.",
        remedy="write networks and hosts separated by commas, as in 10.8.0.0/16,hooks.intranet",
        readers=("services", "compose"),
    ),
    Variable(
        name="NIANGJIA_HEARTBEAT",
        default="30",
        meaning="Seconds after which an agency hears that nothing happened: longer silence means that something broke.",
        remedy="use a number from 1 to 3600",
        readers=("services", "compose"),
    ),
    Variable(
        name="NIANGJIA_OUTBOX",
        default="$NIANGJIA_HOME/outbox",
        meaning="Where notices leave the house: a folder, smtp://host:port/domain of a gateway, or off.",
        remedy="name a folder that may be written, a mail server, or off",
        readers=("services", "command line", "compose"),
    ),
    Variable(
        name="NIANGJIA_LANGUAGE",
        default="zh",
        meaning="Language of what clients read: zh or en.",
        remedy="use zh or en",
        readers=("services", "compose"),
    ),
    Variable(
        name="NIANGJIA_RULES",
        meaning="Folder whose rule files replace the shipped ones of the same name, as risk.yml. Empty: those shipped.",
        remedy="name a folder that is there, or leave it empty",
    ),
    Variable(
        name="NIANGJIA_RETRY_DELAYS",
        default="1,5,30,120,600,3600,14400",
        meaning="Seconds between the tries of an event that failed; after the last try it is a dead letter.",
        remedy="write numbers separated by commas, as in 1,5,30",
        readers=("services", "compose"),
    ),
    Variable(
        name="NIANGJIA_LOG_LEVEL",
        default="info",
        meaning="Least level that is logged: debug, info, warning or error.",
        remedy="use debug, info, warning or error",
        readers=("services", "compose"),
    ),
    *(
        Variable(
            name=f"NIANGJIA_{service.upper()}_PORT",
            default=str(port),
            meaning=f"Port of the loopback address on which the container of {service} answers.",
            remedy="use a port that is free",
            readers=("compose",),
        )
        for port, service in enumerate(SERVICES, start=8001)
    ),
    Variable(
        name="NIANGJIA_PARTNER_PORT",
        default="5671",
        meaning="Port of the loopback address on which the container of RabbitMQ answers agencies, by TLS.",
        remedy="use a port that is free",
        readers=("compose",),
    ),
    Variable(
        name="NIANGJIA_IMAGE_TAG",
        default="local",
        meaning="Tag of the image that `docker compose` builds and runs.",
        remedy="use letters, digits, dots and dashes",
        readers=("compose",),
    ),
)

BY_NAME = {variable.name: variable for variable in VARIABLES}


def wrong(name: str, problem: str) -> SettingError:
    """Return the error that says what is wrong with the variable `name`, and what to do."""
    return SettingError(name, problem, BY_NAME[name].remedy)
