"""`python -m bokehbench`."""

from bokehbench.cli import main

main()
