"""How a test, and the processes it starts, reach an `Internet`: through the environment, as people's proxies are."""

from contextlib import contextmanager

from servers.internet import Internet

KEYS = {
    "FAL_KEY": "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9:0123456789abcdef0123456789abcdef",
    "REPLICATE_API_TOKEN": "r8_TestTestTestTestTestTestTestTestTestTes",
    "OPENAI_API_KEY": "sk-test-0123456789abcdefghijklmnopqrstuvwxyz",
}
"""Keys that the loopback services know."""


@contextmanager
def connected(monkeypatch, folder, *sites):
    """Answer for the hosts of `sites` as long as this lasts."""
    internet = Internet(*sites)
    certificates = folder / "loopback-ca.pem"
    internet.trust(certificates)
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, internet.proxy)
    for name in ("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates))
    try:
        yield internet
    finally:
        internet.close()
