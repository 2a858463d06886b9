"""Running a network over a whole photo: tiles, frozen attention, refinement."""
