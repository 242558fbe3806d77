"""Prints what is installed in the environment that runs it: interpreter, then name==version, sorted."""

import sys


def installed() -> list:
    """The lines."""
    try:
        from importlib.metadata import distributions
    except ImportError:  # Python 3.7
        import pkg_resources

        return sorted(f"{one.project_name}=={one.version}" for one in pkg_resources.working_set)
    return sorted({f"{one.metadata['Name']}=={one.version}" for one in distributions()})


print("python==" + ".".join(map(str, sys.version_info[:3])))
print("\n".join(installed()))
