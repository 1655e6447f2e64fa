"""Recordings made of what happened here: what services were told, by invented people."""
