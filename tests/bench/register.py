"""The register of volunteers that Niangjia has to choose from while it is measured.

The peers do nothing of the kind, so the harder case is taken: as many volunteers as Wenzhou has experts, none of whom
ever has too many cases, so that every skill asked is ranked over all and somebody is assigned.
"""

import json
from itertools import cycle, islice
from pathlib import Path

AMOUNT = 247
CAPACITY = 1000


def register(file: Path) -> bytes:
    """Return the request body that registers copies of the sample's volunteers."""
    sample = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    volunteers = (
        {**volunteer, "id": f"v{number:03d}", "capacity": CAPACITY}
        for number, volunteer in enumerate(islice(cycle(sample), AMOUNT), 1)
    )
    return "".join(f"{json.dumps(volunteer, ensure_ascii=False)}\n" for volunteer in volunteers).encode()
