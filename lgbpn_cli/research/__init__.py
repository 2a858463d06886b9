"""What serves papers, not photos: benchmarks' files, simple denoisers, perceptual distance, speed."""
