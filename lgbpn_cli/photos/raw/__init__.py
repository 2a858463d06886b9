"""Camera raw files: developed, or kept as linear DNG."""
