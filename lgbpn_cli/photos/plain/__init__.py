"""Pictures that are read alone: BMP, Targa and JPEG 2000, of which PNGs are made."""
