"""A script of the repository that works from folder to folder: its path and its own arguments are given.

Of these FOLDER is where the small pictures lie, OUT where the answers go, WEIGHTS:NAME the file of that name,
and WEIGHTS-UP-N:NAME the folder N levels above it.
"""

from __future__ import annotations

import os
import re
import sys

from bench_adapter import Bench, low_quality, run_script, seeded_at_reading


def filled(word: str, bench: Bench, folder: str) -> str:
    """An argument with its places filled."""
    found = re.match(r"(.*?)WEIGHTS(?:-UP-(\d))?:(.+)", word)
    if found:
        path = bench.weights[found.group(3)]
        for _ in range(int(found.group(2) or 0)):
            path = os.path.dirname(path)
        return found.group(1) + path
    places = {"FOLDER": folder, "OUT": bench.out}  # at once: a path may have such a word in it
    return re.sub("|".join(places), lambda found: places[found.group()], word)


def main() -> None:
    """All cases in one run."""
    bench = Bench(sys.argv)
    script, arguments = bench.more[0], bench.more[1:]
    bench.enter(os.path.dirname(script))
    folder, seeds = low_quality(bench)
    with seeded_at_reading(seeds):
        run_script(script, [filled(word, bench, folder) for word in arguments])


if __name__ == "__main__":
    main()
