"""What an evaluation found, as text, as files and as a page with its pictures."""
