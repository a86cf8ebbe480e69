"""Dashboards as folders: pages of plain HTML, CSS and JavaScript that open from disk and from any web host."""
