"""Small shared craft on arrays of pixels: types, filters, bands of rows, sample depths."""
