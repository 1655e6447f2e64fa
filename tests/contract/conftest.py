"""The official AsyncAPI parser, for what is generated.

Needs node 18 or newer and npm (Debian: `apt-get install nodejs npm`). The first run fetches the parser as the lock
file pins it. There is no skip: without node this fails.
"""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "asyncapi"
LOCK = HERE / "package-lock.json"

#: What the parser says of a document.
Validate = Callable[[Path], "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def validated() -> Validate:
    """Holds a document against the official parser."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.fail("node and npm are missing: apt-get install nodejs npm")
    # npm writes this file last, so an interrupted installation is done again.
    installed = HERE / "node_modules" / ".package-lock.json"
    if not installed.is_file() or installed.stat().st_mtime < LOCK.stat().st_mtime:
        done = subprocess.run([npm, "ci"], cwd=HERE, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return lambda document: subprocess.run(
        [node, "validate.mjs", str(document)], cwd=HERE, capture_output=True, text=True, check=False
    )
