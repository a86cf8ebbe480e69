"""JupyterLab as the studio starts it."""

import json
import re

import pytest

VOILA_ROUTES = ("/voila", "/voila/tree", "/voila/render/any.ipynb", "/voila/files/any.png", "/voila/static/voila.js")


def test_lab_itself_is_served(lab_server):
    assert lab_server.get("/lab").status == 200


@pytest.mark.parametrize("path", VOILA_ROUTES)
def test_voila_is_off_beside_lab(lab_server, path):
    assert lab_server.get(path).status == 404


def test_the_button_of_voilas_preview_is_gone(lab_server):
    config = re.search(r'<script id="jupyter-config-data"[^>]*>(.*?)</script>', lab_server.get("/lab").text, re.DOTALL)
    assert "@voila-dashboards/jupyterlab-preview" in json.loads(config.group(1))["disabledExtensions"]


def test_nobody_is_asked_about_news(lab_server):
    settings = json.loads(lab_server.get("/lab/api/settings/@jupyterlab/apputils-extension:notification").text)
    assert settings["schema"]["properties"]["fetchNews"]["default"] == "false"
