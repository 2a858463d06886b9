"""TIFF files: read, copied with new samples in place, and made anew."""
