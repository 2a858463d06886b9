"""The command line: options become settings, and settings go into one call of a use case, mostly of `app`."""
