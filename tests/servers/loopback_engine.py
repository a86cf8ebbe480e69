"""A remote engine, as a package beside the studio would bring it: asks a `JobService` on the loopback."""

import os
import time

import httpx
from immutabledict import immutabledict

from studio_kernel.domain.events import Finished, Produced, Progress, Started, Ticket
from studio_kernel.engines.base import Capabilities
from studio_kernel.errors import Cancelled

POLL_S = 0.1


class LoopbackEngine:
    name = "loopback"
    capabilities = Capabilities(remote=True, lanes=4)

    def unavailable(self, _card):
        return None

    def check(self, request, context):
        pass

    def stream(self, request, context):
        context.cancel.check()
        yield Started({"service": "loopback"})
        with httpx.Client(base_url=os.environ["STUDIO_TEST_SERVICE"], timeout=60) as client:
            ticket = context.ticket
            if ticket is None:
                job = client.post("/jobs", json={"prompt": request.prompt}).json()["id"]
                ticket = Ticket(job, immutabledict(status=f"/jobs/{job}"))
                yield ticket
            yield from self._followed(client, ticket, context)
            picture = client.get(f"/jobs/{ticket.remote_id}/result").content
            yield Produced(picture, "image/png", request.seed)
            yield Finished(cost_usd=0.25)

    def _followed(self, client, ticket, context):
        try:
            while True:
                context.cancel.check()
                now = client.get(ticket.urls["status"]).json()
                yield Progress(now["step"], now["total"])
                if now["step"] == now["total"]:
                    return
                time.sleep(POLL_S)
        except Cancelled:
            if not context.cancel.is_left:
                client.delete(f"/jobs/{ticket.remote_id}")
            raise

    def close(self):
        pass
