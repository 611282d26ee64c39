"""The server around the pages: which hosts it answers to, what browsers may do with its pages, and how much
viewers may upload.

``streamlit_app.py`` builds the application that ``streamlit run`` serves (``st.App``) from these parts and
``app.closed_tabs``.
"""

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.formparsers import MultiPartParser
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose
from streamlit import config, net_util
from streamlit.runtime import Runtime

from app.uploads import MAX_FILES, MAX_SERVER_MB, MAX_VIEWER_MB
from fer_core.errors import UserError

MB: Final = 1024 * 1024

LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
"""Names by which a browser reaches a server on its own machine."""

WRONG_HOST: Final = (
    "This server does not answer to the host name of this address. Whoever runs it can allow the name in "
    "server.allowedHosts (docs/hosting.md)."
)

CONTENT_POLICY: Final = "; ".join(
    f"{kind}-src 'self' data: blob:" for kind in ("img", "media", "font")
)
"""Pictures, films and fonts of a page come from this server alone. Streamlit 1.67 would make the browser ask
Google's server for the icon of a page (``st.Page(icon=":material/…:")``), as the icon of its tab."""

FRAME_ANCESTORS: Final = "EXPRESSION_LENS_FRAME_ANCESTORS"
"""Environment variable: sites that may show the app in a frame, as a content security policy names them."""

SECURITY_HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
}
"""Header of every answer -> its value. The camera's component is a frame of this server: ``self``.
Addresses of pages hold settings, which no other site needs as a referrer."""

UPLOAD_ROUTE: Final = ("_stcore", "upload_file")
"""What stands before session and file in the path of an upload."""


def allowed_hosts() -> list[str]:
    """Return the host names that the server answers to; ``*`` for any.

    Those of ``server.allowedHosts``. Where none are named, a server that listens on the loopback address
    answers to this machine's names only: a stranger's page whose name leads to 127.0.0.1 (DNS rebinding)
    would otherwise be one with this app for the browser, and could read what is on it.
    """
    named: list[str] = config.get_option("server.allowedHosts")
    if named:
        return named
    address = config.get_option("server.address")
    return list(LOOPBACK) if address in LOOPBACK else ["*"]


def hostname(address: str) -> str | None:
    """Return the host name in an address such as ``//localhost:8501``; None where there is none."""
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


class HostCheck:
    """ASGI middleware: answers to the host names that are allowed, for pages and connections alike.

    Streamlit checks the names of connections only, and its check of their origin ends in a traceback for one
    that is not an address.
    """

    def __init__(self, app: ASGIApp, allowed: Sequence[str]) -> None:
        self.app = app
        self.allowed = [name.lower() for name in allowed]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if self.allows(hostname(f"//{headers.get('host', '')}")) and (
            scope["type"] == "http" or origin is None or hostname(origin)
        ):
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await PlainTextResponse(WRONG_HOST, status_code=421)(scope, receive, send)
        else:
            await WebSocketClose(1008)(scope, receive, send)

    def allows(self, name: str | None) -> bool:
        """Return whether the server answers to this host name; ``*.example.org`` allows all below it."""
        return "*" in self.allowed or (
            name is not None
            and any(
                name.endswith(each[1:]) if each.startswith("*.") else name == each
                for each in self.allowed
            )
        )


def ask_nobody_for_the_address() -> None:
    """Keep Streamlit from asking a web service for the external address of this machine.

    It asks when a page of another origin knocks, in the thread that serves all viewers (Streamlit 1.67,
    ``server_util.is_url_from_allowed_origins``): where the way to the outside is shut, each knock stopped
    every page for two seconds and more. No setting turns it off. Origins that are welcome are named in
    ``server.corsAllowedOrigins`` or ``browser.serverAddress``.
    """
    net_util.get_external_ip = lambda: None


def keep_uploads_in_memory() -> None:
    """Keep an upload in memory while it arrives; starlette writes one of more than 1 MB to the disk."""
    MultiPartParser.spool_max_size = 2 * MB * int(config.get_option("server.maxUploadSize"))


def content_policy() -> str:
    """Return the content security policy of every answer.

    Raises:
        UserError: where the sites that may frame the app are not a list of addresses.
    """
    ancestors = os.environ.get(FRAME_ANCESTORS) or "'self'"
    if not ancestors.isprintable() or not ancestors.isascii() or set(ancestors) & set(";,"):
        raise UserError(
            f"{FRAME_ANCESTORS} is not a list of addresses with spaces between, such as "
            "\"'self' https://school.example\": remove other signs"
        )
    return f"{CONTENT_POLICY}; frame-ancestors {ancestors}"


class SecurityHeaders:
    """ASGI middleware: limits what browsers load into pages, who may frame them, and who gets the camera."""

    def __init__(self, app: ASGIApp, policy: str) -> None:
        self.app = app
        self.headers = {"content-security-policy": policy, **SECURITY_HEADERS}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and add the headers to the answer."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.append(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers)


class UploadLimits:
    """ASGI middleware: refuses uploads beyond the limits of one viewer and of all viewers together."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.arriving: defaultdict[str, list[int]] = defaultdict(list)
        """Session -> sizes of the files that are on their way, in bytes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; answer an upload beyond the limits with 413 and a sentence."""
        session = uploading_session(scope)
        if session is None:
            await self.app(scope, receive, send)
            return
        size = announced_size(Headers(scope=scope))
        try:
            self.check(session, size)
        except UserError as error:
            await PlainTextResponse(str(error), status_code=413)(scope, receive, send)
            return
        self.arriving[session].append(size)
        try:
            await self.app(scope, receive, send)
        finally:
            self.arriving[session].remove(size)
            if not self.arriving[session]:
                del self.arriving[session]

    def check(self, session: str, size: int) -> None:
        """Check that a viewer may upload one more file.

        Args:
            size: of the file, in bytes.

        Raises:
            UserError: with the limit that the file would exceed.
        """
        sizes = stored_sizes()
        for each, arriving in self.arriving.items():
            sizes[each] = [*sizes.get(each, []), *arriving]
        viewer = sizes.get(session, [])
        if len(viewer) >= MAX_FILES:
            raise UserError(f"This is more than {MAX_FILES} files; remove some first")
        if sum(viewer) + size > MAX_VIEWER_MB * MB:
            raise UserError(f"This is more than {MAX_VIEWER_MB} MB in all; remove some files first")
        if sum(map(sum, sizes.values())) + size > MAX_SERVER_MB * MB:
            raise UserError("The files of all viewers fill the server's memory; try again later")


def uploading_session(scope: Scope) -> str | None:
    """Return the session to which a request uploads a file; None for any other request."""
    if scope["type"] != "http" or scope["method"] != "PUT":
        return None
    parts = scope["path"].split("/")
    return str(parts[-2]) if tuple(parts[-4:-2]) == UPLOAD_ROUTE else None


def announced_size(headers: Mapping[str, str]) -> int:
    """Return the size of a request in bytes: the largest that is allowed where it names none."""
    try:
        return max(0, int(headers["content-length"]))
    except (KeyError, ValueError):
        return MB * int(config.get_option("server.maxUploadSize"))


def stored_sizes() -> dict[str, list[int]]:
    """Return session -> sizes of the files that it holds, in bytes."""
    stored = Runtime.instance().uploaded_file_mgr.file_storage  # type: ignore[attr-defined]
    return {name: [len(file.data) for file in files.values()] for name, files in stored.items()}


def prepare_server() -> list[Middleware]:
    """Prepare Streamlit's server; return what stands before it, outermost first."""
    ask_nobody_for_the_address()
    keep_uploads_in_memory()
    return [
        Middleware(HostCheck, allowed=allowed_hosts()),
        Middleware(SecurityHeaders, policy=content_policy()),
        Middleware(UploadLimits),
    ]
