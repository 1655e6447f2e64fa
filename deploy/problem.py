"""The one error that the command line shows: what is wrong, and what to do."""


class Problem(Exception):
    """Something that a person has to act on; shown as one line, never as a traceback."""

    def __init__(self, wrong: str, remedy: str = "", *, exit_code: int = 1) -> None:
        super().__init__(f"{wrong}; {remedy}" if remedy else wrong)
        self.wrong = wrong
        self.remedy = remedy
        #: 1: it went wrong; 2: it was asked for in a way that cannot be understood.
        self.exit_code = exit_code
