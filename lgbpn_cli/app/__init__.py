"""Every use case, each reading as its own table of contents: what `cli` calls, and Python programs."""
