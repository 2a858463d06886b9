"""The LG-BPN network: masks, sampling, the two branches and the blind loss."""
