"""Prints what makes results besides named files: interpreter, name==version of all that is installed, sorted,
and a digest of what was changed in the clone that it is started in."""

import hashlib
import os
import subprocess
import sys


def installed() -> list:
    """The lines."""
    try:
        from importlib.metadata import distributions
    except ImportError:  # Python 3.7
        import pkg_resources

        return sorted(f"{one.project_name}=={one.version}" for one in pkg_resources.working_set)
    return sorted({f"{one.metadata['Name']}=={one.version}" for one in distributions()})


def changed() -> str:
    """sha256 of the files that git follows and that differ from the commit; empty where none does."""
    asked = ["git", "-c", "core.fsmonitor=false", "diff", "--name-only", "--no-ext-diff", "-z", "HEAD"]
    try:
        names = subprocess.run(asked, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
    except (OSError, subprocess.CalledProcessError):  # no git, or no clone
        return ""
    digest = hashlib.sha256()
    for name in sorted(filter(None, names.split(b"\0"))):
        digest.update(name + b"\0")
        if os.path.isfile(name):
            with open(name, "rb") as file:
                digest.update(hashlib.sha256(file.read()).digest())
    return digest.hexdigest() if names else ""


print("python==" + ".".join(map(str, sys.version_info[:3])))
print("\n".join(installed()))
if changed():
    print("changed in the clone==" + changed())
