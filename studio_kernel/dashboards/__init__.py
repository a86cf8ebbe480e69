"""Dashboards for visitors: notebooks served without their code, on a server that trusts the browser with nothing.

A stand-alone Voila, never the JupyterLab extension: beside JupyterLab a dashboard's websocket may run code. What the
server gives up and refuses is spread over four small modules: `environment` (no keys reach the server or a kernel),
`kernels` (how many, how long), `messages` (what a browser may send to a kernel), `files` (which files, and only with
the token). `server` puts them together, `launch` starts it. ``docs/decisions/0004`` says why and what was measured.

Nothing here is imported by the rest of the package; Voila is loaded only by the server's own process.
"""
