"""Files of boxes or chunks from phones and the web: HEIC, AVIF, WebP."""
