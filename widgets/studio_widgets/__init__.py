"""Panels of the studio workbench for JupyterLab and Voila."""
