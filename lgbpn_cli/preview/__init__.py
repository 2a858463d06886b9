"""A few places of one photo, denoised in several ways, on one page to choose from."""
