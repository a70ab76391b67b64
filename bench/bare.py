"""The measure of all others: an aiohttp server that reads each delivery, stores nothing, and says yes."""

import sys

from aiohttp import web

from bench import lifetime


async def yes(request: web.Request) -> web.Response:
    await request.read()
    return web.Response()


if __name__ == "__main__":
    site = web.Application()
    site.router.add_post("/hooks/{shop}/{channel}", yes)
    lifetime.live(lifetime.answer(site, int(sys.argv[1])))
