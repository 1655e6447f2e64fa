"""`niangjia token`: a key to the services' doors."""

import click

from deploy.home import Home
from shared.events.vocabulary import DISTRICT_LEVELS
from shared.runtime.auth import HOUSE, Bearer, Role, issue

_LONGEST_HOURS = 24 * 366
_SECONDS_AN_HOUR = 3600
#: Without that of partners: their tokens come with their subscription.
_ROLES = tuple(role.value for role in Role if role in HOUSE)


@click.command()
@click.option("--role", type=click.Choice(_ROLES), required=True, help="What the bearer is.")
@click.option("--district", help="Digits of the only district that it opens; without, every district.")
@click.option("--hours", type=click.FloatRange(0, _LONGEST_HOURS, min_open=True), default=8, help="How long it counts.")
@click.option("--name", help="Who bears it, for the log of disclosures; without, the role.")
@click.pass_obj
def command(home: Home, role: str, district: str | None, hours: float, name: str | None) -> None:
    """Print a bearer token, and nothing else.

    Send it as `Authorization: Bearer …`.
    """
    if district and not (district.isascii() and district.isdigit() and len(district) in DISTRICT_LEVELS):
        raise click.BadParameter("use the 2, 4, 6, 9, 12 or 14 digits of a place", param_hint="--district")
    bearer = Bearer(name=name or role, role=Role(role), district=district or "")
    click.echo(issue(home.key("token"), bearer, int(hours * _SECONDS_AN_HOUR)))
