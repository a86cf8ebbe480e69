"""Dashboards for visitors: notebooks served without their code, on a server that trusts the browser with nothing.

A stand-alone Voila, never the JupyterLab extension: beside JupyterLab a dashboard's websocket may run code. What the
server gives up and refuses is spread over small modules: `environment` (no keys reach the server or a kernel), `access`
(the token, for every address), `admission` (who gets a kernel), `kernels`, `kernel` and `isolation` (what a kernel may
take and reach, and when it ends), `messages` and `rates` (what a browser may send to one), `files` (which files).
`pages` and `notebooks` make the pages of the server itself, `options` says how to serve. `server` puts them together,
`launch` starts it. ``docs/decisions/0004`` says why and what was measured.

Nothing here is imported by the rest of the package; Voila is loaded only by the server's own process.
"""
