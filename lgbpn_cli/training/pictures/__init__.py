"""Pictures to learn from: photos in memory, scenes, and pictures that are drawn."""
