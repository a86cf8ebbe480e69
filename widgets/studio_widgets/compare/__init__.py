"""Runs side by side: pictures to the pixel, and what differs in their settings."""
