"""Many photos in one run: which, in which order, where their results go, what happens to bad ones."""
