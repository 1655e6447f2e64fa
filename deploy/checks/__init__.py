"""What `niangjia doctor` looks at."""

from collections.abc import Callable, Iterator

from deploy.checks.finding import Finding
from deploy.checks.machine import disk, memory, mongod, ports, python, rabbitmq
from deploy.checks.system import (
    broker_answers,
    database_is_primary,
    every_webhook_is_called,
    no_dead_letters,
    no_rebuild_is_left,
    secrets,
    services_are_well,
)
from deploy.home import Home
from deploy.problem import Problem
from shared.runtime.variables import SettingError

CHECKS: tuple[Callable[[Home], Iterator[Finding]], ...] = (
    python,
    rabbitmq,
    mongod,
    disk,
    memory,
    ports,
    secrets,
    broker_answers,
    database_is_primary,
    services_are_well,
    no_dead_letters,
    no_rebuild_is_left,
    every_webhook_is_called,
)


def findings(home: Home) -> Iterator[Finding]:
    """Look at everything, one thing after the other; a check that cannot be made is a finding too."""
    for check in CHECKS:
        name = check.__name__.replace("_", " ")
        try:
            yield from check(home)
        except Problem as problem:
            yield Finding(name=name, well=False, found=problem.wrong, remedy=problem.remedy)
        except SettingError as error:
            yield Finding(name=name, well=False, found=f"{error.variable} {error.problem}", remedy=error.remedy)
