"""One Python SDK against one server: connects, lists the tools, calls two of them at once, and has a mistake told as an error.

Usage: python client.py stdio PROGRAM | http URL | burst URL
A burst is 50 calls at once, and then 200, against a server with its usual limits.
"""

import asyncio
import contextlib
import json
import os
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


def http(url):
    try:
        from mcp.client.streamable_http import streamable_http_client as client
    except ImportError:
        from mcp.client.streamable_http import streamablehttp_client as client
    return client(url)


async def main(way, target):
    if way != "stdio":
        streams = http(target)
    else:
        parameters = StdioServerParameters(command=target, args=[], env=dict(os.environ))
        streams = stdio_client(parameters)
    async with contextlib.AsyncExitStack() as stack:
        read, write, *_ = await stack.enter_async_context(streams)
        session = await stack.enter_async_context(ClientSession(read, write))
        await session.initialize()
        tools = (await session.list_tools()).tools
        assert len(tools) == 18, f"every tool of the profile is listed: {len(tools)}"
        version, models = await asyncio.gather(
            session.call_tool("version", {}), session.call_tool("listmodels", {})
        )
        assert told(version)["status"] == told(models)["status"] == "success"
        mistake = await session.call_tool("chat", {})
        is_error = mistake.isError if hasattr(mistake, "isError") else mistake.is_error
        assert is_error and told(mistake)["code"] == "invalid_input", mistake
        if way == "burst":
            await burst(session)


async def burst(session):
    answers = await asyncio.gather(*(session.call_tool("version", {}) for _ in range(50)))
    assert all(told(answer)["status"] == "success" for answer in answers), "a burst waits"
    calls = (session.call_tool("version", {}) for _ in range(200))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    # A client with few connections sends them more slowly, and none may be refused.
    refused = [answer for answer in answers if isinstance(answer, BaseException)]
    for error in refused:
        assert error.error.data["retry_after_ms"] > 0, f"when to come again: {error!r}"
    assert told(await session.call_tool("version", {}))["status"] == "success", "the session goes on"


def told(answer):
    return json.loads(answer.content[0].text)


asyncio.run(main(*sys.argv[1:]))
