"""A second opinion on the rules, for the tests to hold against the services.

It was written from the words of the rules alone, shares no line with the services and imports nothing of them. It is
literal and slow: for every report it looks at every report again. Where words can be read in more than one way it
takes the reading that docs/reference/rules.md names. No person acts in it: no case closes, no grade is lowered.
"""

from tests.acceptance.oracle.history import outcomes

__all__ = ["outcomes"]
