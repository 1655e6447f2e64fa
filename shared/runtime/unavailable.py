"""The one error that means 'not now'."""


class Unavailable(Exception):
    """Not now: the database, the broker or another service is away. Nothing was kept; the same again later works."""
