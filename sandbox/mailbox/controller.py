"""An SMTP server in a thread of its own, which closes its connections when it stops."""

import asyncio
from asyncio import AbstractServer, Server
from typing import override

from aiosmtpd.controller import Controller

SECONDS_TO_CLOSE = 5


class ClosingController(Controller):
    """aiosmtpd's controller leaves connections open whose client is connected, or connects, while it stops."""

    @override
    def stop(self, no_assert: bool = False) -> None:
        if self._thread is not None:
            asyncio.run_coroutine_threadsafe(_close(self.server), self.loop).result()
        super().stop(no_assert)


async def _close(server: AbstractServer | None) -> None:
    if not isinstance(server, Server):
        return
    # Accept no more first: a server that is already closed leaks the connections it has just accepted.
    for listener in server.sockets:
        asyncio.get_running_loop().remove_reader(listener.fileno())
    async with asyncio.timeout(SECONDS_TO_CLOSE):
        while conversations := asyncio.all_tasks() - {asyncio.current_task()}:
            server.abort_clients()
            await asyncio.wait(conversations, timeout=0.01)
        server.abort_clients()
        server.close()
        await server.wait_closed()
