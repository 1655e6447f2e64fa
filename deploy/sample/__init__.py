"""A week of invented reports, to look at what the system does and to hold it to what it should do."""

from pathlib import Path

#: Folder of the sample week; its README.md says what each file is.
WEEK = Path(__file__).parent / "week"
