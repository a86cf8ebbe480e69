"""Painting a mask on a picture: white is repainted."""
