"""How strong a photo's noise is, and what it is like."""
