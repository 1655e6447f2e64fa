"""Recorded streams, replayed: reading and writing them, and what a model says to them in virtual time."""
