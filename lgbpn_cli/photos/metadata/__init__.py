"""What a photo says about itself besides its pixels: EXIF, XMP, ICC, orientation."""
