"""How long it takes from an accepted report to the streams of the agencies, over the whole system."""
