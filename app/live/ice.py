"""The STUN and TURN servers by which the video finds its way: their credentials, and whether they answer."""

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from ssl import SSLError
from time import time
from typing import Any, Final

import streamlit as st
from aioice import Connection
from aioice.stun import TransactionError
from aioice.turn import create_turn_endpoint
from aiortc.rtcicetransport import parse_stun_turn_uri

SECRET_VARIABLE: Final = "EXPRESSION_LENS_TURN_SECRET"
"""Environment variable with the secret that this server shares with its TURN server."""
URLS_VARIABLE: Final = "EXPRESSION_LENS_TURN_URLS"
"""Environment variable with the addresses of that TURN server, separated by spaces."""

CREDENTIAL_LIFETIME: Final = 2 * 60 * 60
"""Time for which a viewer's credentials are valid, in seconds: a double lesson."""

PROBE_EVERY: Final = 60.0
"""Time between two probes of the servers, in seconds."""
PROBE_AGAIN: Final = 3.0
"""Time to the next probe while one of them does not serve, in seconds: somebody waits for it."""
PROBE_PATIENCE: Final = 5.0
"""Time after which a server counts as silent, in seconds."""

REFUSED: Final = (401, 403, 438, 441)
"""STUN error codes of servers that do not accept the credentials (RFC 8489, RFC 8656)."""

LOG: Final = logging.getLogger("expression_lens.ice")


def ice_servers() -> list[dict[str, Any]]:
    """Return the servers for a viewer's connection: ``urls``, ``username`` and ``credential`` of each.

    Those of a shared secret have credentials that expire.
    """
    servers, wrong = configured_servers(os.environ)
    if wrong:
        st.error(wrong)
    if relay := relay_urls(os.environ):
        servers = [*servers, {"urls": relay, **session_credentials()}]
    return servers


def configured_servers(environment: Mapping[str, str]) -> tuple[list[dict[str, Any]], str | None]:
    """Return the servers that the host has named with fixed credentials, and what is wrong with them.

    They stand in ``ICE_SERVERS``, a JSON list, or in the secrets of Streamlit (docs/hosting.md).
    """
    if named := environment.get("ICE_SERVERS"):
        with suppress(ValueError, TypeError):
            return [dict(server) for server in json.loads(named)], None
        return [], "ICE_SERVERS of this server is not a JSON list; docs/hosting.md has an example."
    with suppress(FileNotFoundError, KeyError):
        return [dict(server) for server in st.secrets["ice_servers"]], None
    return [], None


def relay_urls(environment: Mapping[str, str]) -> list[str]:
    """Return the addresses of the TURN server with which a secret is shared; [] without a secret."""
    return environment.get(URLS_VARIABLE, "").split() if environment.get(SECRET_VARIABLE) else []


def session_credentials() -> Mapping[str, str]:
    """Return this viewer's credentials, made anew when half of their time is over."""
    now = time()
    kept = st.session_state.get("turn_credentials")
    if kept is None or kept[0] < now + CREDENTIAL_LIFETIME / 2:
        expires = now + CREDENTIAL_LIFETIME
        kept = expires, turn_credentials(os.environ[SECRET_VARIABLE], "viewer", expires)
        st.session_state.turn_credentials = kept
    credentials: Mapping[str, str] = kept[1]
    return credentials


def turn_credentials(secret: str, name: str, expires: float) -> Mapping[str, str]:
    """Return credentials that a TURN server with the same secret accepts until they expire.

    They follow "A REST API For Access To TURN Services" (J. Uberti, draft-uberti-behave-turn-rest), which
    coturn reads with ``use-auth-secret``.

    Args:
        name: of whom they are for; it stands in the TURN server's log.
        expires: in seconds since 1970.
    """
    username = f"{round(expires)}:{name}"
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return {"username": username, "credential": base64.b64encode(digest).decode()}


class IceProbe:
    """What is wrong with the servers, asked again and again while the app runs."""

    def __init__(self) -> None:
        self.problems: tuple[str, ...] = ()
        """A sentence for each server that does not serve."""
        self._wake: Callable[[], None] = lambda: None

    async def run(self, environment: Mapping[str, str] = os.environ) -> None:
        """Probe the servers for ever; with none, once."""
        loop, woken = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(woken.set)

        self._wake = wake
        while await self.probe(environment):
            with suppress(TimeoutError):
                pause = PROBE_AGAIN if self.problems else PROBE_EVERY
                await asyncio.wait_for(woken.wait(), pause)
            woken.clear()

    def wake(self) -> None:
        """Probe now, since a stream has ended; from any thread."""
        with suppress(RuntimeError):  # the loop has been closed
            self._wake()

    async def probe(self, environment: Mapping[str, str]) -> bool:
        """Probe all servers once and log what has changed; return whether there are any."""
        servers, _ = configured_servers(environment)
        if relay := relay_urls(environment):
            expires = time() + CREDENTIAL_LIFETIME
            made = turn_credentials(environment[SECRET_VARIABLE], "probe", expires)
            servers = [*servers, {"urls": relay, **made}]
        answers = await asyncio.gather(*(probe_url(*each) for each in probed_urls(servers)))
        problems = tuple(each for each in answers if each)
        for problem in set(problems) - set(self.problems):
            LOG.error(problem)
        if self.problems and not problems:
            LOG.info("All STUN and TURN servers answer again")
        self.problems = problems
        return bool(servers)


shared_probe: Final = IceProbe()
"""The probe of this process."""


def probed_urls(servers: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """Return each address of each server, with the server."""
    urls = [(server.get("urls", []), server) for server in servers]
    return [
        (url, server)
        for each, server in urls
        for url in ([each] if isinstance(each, str) else list(each))
    ]


async def probe_url(url: str, server: Mapping[str, Any]) -> str | None:
    """Ask one server as a viewer's connection will; return what is wrong, in a sentence."""
    try:
        address = parse_stun_turn_uri(url)
    except ValueError:
        return f"{url} is not the address of a STUN or TURN server; docs/hosting.md has examples."
    host = (address["host"], address["port"])
    try:
        if address["scheme"].startswith("turn"):
            await asyncio.wait_for(
                allocate(host, address, server, ssl=address["scheme"] == "turns"), PROBE_PATIENCE
            )
        elif not await reflects(host):
            raise TimeoutError
    except TransactionError as error:
        code = error.response.attributes.get("ERROR-CODE", (0, ""))[0] if error.response else 0
        if code in REFUSED:
            return f"The TURN server {url} refuses the credentials of this server ({code})."
        return f"The TURN server {url} does not relay (error {code})." if code else silent(url)
    except SSLError:
        return f"The certificate of the server {url} is not accepted."
    except (TimeoutError, OSError):
        return silent(url)
    return None


def silent(url: str) -> str:
    """Return the sentence for a server that does not answer."""
    return f"The server {url} does not answer."


async def allocate(
    host: tuple[str, int], address: Mapping[str, Any], server: Mapping[str, Any], *, ssl: bool
) -> None:
    """Let a TURN server relay for a moment.

    Raises:
        TransactionError: if it refuses, or does not answer.
        OSError: if there is no way to it.
    """
    transport, _ = await create_turn_endpoint(
        asyncio.DatagramProtocol,
        server_addr=host,
        username=server.get("username"),
        password=server.get("credential"),
        ssl=ssl,
        transport=address.get("transport", "udp"),
    )
    transport.close()


async def reflects(host: tuple[str, int]) -> bool:
    """Return whether a STUN server says what it sees of this machine's address."""
    connection = Connection(ice_controlling=True, stun_server=host)
    try:
        await connection.gather_candidates()
        return any(each.type == "srflx" for each in connection.local_candidates)
    finally:
        await connection.close()
