"""Models: what there is, where it lies, loading it safely, importing foreign checkpoints."""
