"""Measuring results: against paired references, without any, and the reports of both."""
