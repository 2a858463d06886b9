"""PNG files: read, and written with all that is not picture left as it is."""
