"""One module a command of the command line; each imports its room when it runs."""
