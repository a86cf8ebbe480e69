"""Presets and styles: settings to begin with, prompts with gaps, and saving one's own."""
