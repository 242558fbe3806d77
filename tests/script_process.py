"""A script in a process of its own, for what Triton reads when it is imported."""

import os
import subprocess
import sys
from pathlib import Path


def run(script: Path, *arguments: str, **environment: str) -> str:
    """What it printed; a script that fails fails the test, with the end of its errors."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script), *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
