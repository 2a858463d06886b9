"""What results say of themselves, held against the photos and weights that are here, and against a second making."""
