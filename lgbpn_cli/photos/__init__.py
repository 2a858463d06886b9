"""Photo files in and out: pixels to work on, everything else in the file carried along untouched."""
