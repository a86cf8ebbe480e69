"""400 pictures at fal, 10 at a time, against the time the service itself takes; the service is on the loopback.

The worker of a home sends, asks, fetches and stores; the service works on 10 jobs at a time, and each takes
`SECONDS`. It speaks TLS in a process of its own on the same processors, so what it costs to be a service counts too.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.report import report

PICTURES, AT_ONCE, SECONDS = 400, 10, 2.0
TESTS = Path(__file__).parent.parent / "tests"
SETTINGS = f"[worker]\nexit_after_s = 60.0\n[services.fal]\nconcurrency = {AT_ONCE}\n"
SERVER = f"""
import sys
sys.path.insert(0, {str(TESTS)!r})
from fal_jobs import fal_cards
from servers.fal import Fal
from servers.internet import Internet
fal = Fal([fal_cards()["fal/flux_1_dev"]], seconds={SECONDS}, at_once={AT_ONCE})
internet = Internet(fal)
internet.trust(sys.argv[1])
print(internet.proxy, flush=True)
sys.stdin.read()
print(len(fal.submits), len(internet.seen), flush=True)
"""


def main() -> None:
    """Print the time of 400 pictures over the ideal."""
    import studio_kernel as sk
    from studio_kernel.runlog import RunLog
    from studio_kernel.settings import Home
    from studio_kernel.worker.launch import Launcher

    with tempfile.TemporaryDirectory() as folder:
        home, certificates = Path(folder, "home"), Path(folder, "ca.pem")
        home.mkdir()
        (home / "settings.toml").write_text(SETTINGS)
        service = subprocess.Popen(
            [sys.executable, "-c", SERVER, certificates], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert service.stdout is not None, "asked for above"
        proxy = service.stdout.readline().strip()
        key = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9:0123456789abcdef0123456789abcdef"
        os.environ |= {"HTTPS_PROXY": proxy, "SSL_CERT_FILE": str(certificates), "FAL_KEY": key}
        with sk.open(home, runner="worker") as studio:
            studio.generate("a boat", model="fal/flux_1_dev", progress=False)  # the worker comes up
            begun = time.perf_counter()
            runs = [studio.submit(f"boat {n}", model="fal/flux_1_dev", seed=n) for n in range(PICTURES)]
            for run in runs:
                assert run.wait(600).status == "succeeded", run.error
            took = time.perf_counter() - begun
        with RunLog(home) as log:
            Launcher(Home.at(home), log).stop(at_once=True)
        submits, requests = service.communicate("")[0].split()
    ideal = PICTURES / AT_ONCE * SECONDS
    print(f"  {took:.1f} s for {PICTURES} pictures, ideal {ideal:.0f} s; {submits} submits, {requests} requests in all")
    report(f"{PICTURES} pictures at a service, {AT_ONCE} at a time, over the ideal", took / ideal, 1.1, "×")


if __name__ == "__main__":
    main()
