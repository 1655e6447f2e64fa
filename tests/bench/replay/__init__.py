"""How fast a year of a city is replayed."""
