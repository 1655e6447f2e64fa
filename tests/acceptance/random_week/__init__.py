"""Weeks that nobody wrote: what the rules speak of comes near its limits here, and rules cross.

Few persons meet again and again in every role, under few names and phones. All input is valid, and all of it follows
from the seed.
"""

from tests.acceptance.random_week.week import Week, random_week

__all__ = ["Week", "random_week"]
