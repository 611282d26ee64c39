"""What stands before Streamlit's server: host names, and limits of uploads."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest
from starlette.applications import Starlette
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartParser
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect
from streamlit import config, net_util
from streamlit.runtime import Runtime

from app.server import (
    FRAME_ANCESTORS,
    LOOPBACK,
    MB,
    WRONG_HOST,
    HostCheck,
    SecurityHeaders,
    UploadLimits,
    allowed_hosts,
    content_policy,
    prepare_server,
)
from app.uploads import MAX_FILES, MAX_SERVER_MB, MAX_VIEWER_MB
from fer_core.errors import UserError
from tests.coroutines import run_coroutine

UPLOAD = "/_stcore/upload_file/viewer/file"


async def page(request: Request) -> PlainTextResponse:
    return PlainTextResponse("here")


async def connection(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("here")
    await websocket.close()


def client(*allowed: str) -> TestClient:
    routes = [Route("/", page), WebSocketRoute("/stream", connection)]
    return TestClient(HostCheck(Starlette(routes=routes), allowed or LOOPBACK))


def connects(app: TestClient, **headers: str) -> bool:
    try:
        with app.websocket_connect("/stream", headers=headers) as websocket:
            return bool(websocket.receive_text() == "here")
    except WebSocketDisconnect:
        return False


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8501", "127.0.0.1:8501", "[::1]:8501"])
def test_a_server_on_the_loopback_answers_to_its_own_names(host: str) -> None:
    assert client().get("/", headers={"host": host}).text == "here"
    assert connects(client(), host=host)


@pytest.mark.parametrize(
    "host", ["example.org", "localhost.example.org", "127.0.0.1@example.org", "127.1", "[", "", ":"]
)
def test_a_server_on_the_loopback_answers_to_no_other_name(host: str) -> None:
    response = client().get("/", headers={"host": host})
    assert (response.status_code, response.text) == (421, WRONG_HOST)
    assert not connects(client(), host=host)


def test_names_can_be_allowed() -> None:
    app = client("lens.example.org", "*.school.example")
    for host, answers in (
        ("lens.example.org", True),
        ("a.school.example", True),
        ("school.example", False),
        ("example.org", False),
        ("localhost", False),
    ):
        assert (app.get("/", headers={"host": host}).status_code == 200) is answers, host
    assert client("*").get("/", headers={"host": "any.example"}).status_code == 200


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "null", "", "file://"])
def test_an_origin_that_is_no_address_is_refused(origin: str) -> None:
    assert not connects(client(), host="localhost", origin=origin)
    assert connects(client(), host="localhost", origin="http://localhost:8501")


@pytest.mark.parametrize(
    ("address", "named", "allowed"),
    [
        ("127.0.0.1", [], list(LOOPBACK)),
        ("localhost", [], list(LOOPBACK)),
        ("127.0.0.1", ["lens.example.org"], ["lens.example.org"]),
        ("0.0.0.0", [], ["*"]),
        (None, [], ["*"]),
    ],
)
def test_host_names_are_limited_on_the_loopback_and_where_the_host_names_them(
    monkeypatch: pytest.MonkeyPatch, address: str | None, named: list[str], allowed: list[str]
) -> None:
    options = {"server.address": address, "server.allowedHosts": named}
    monkeypatch.setattr(config, "get_option", options.__getitem__)
    assert allowed_hosts() == allowed


def test_nobody_is_asked_for_the_address_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(*_: object, **__: object) -> None:
        raise AssertionError("a web service was asked")

    prepare_server()
    monkeypatch.setattr("requests.get", ask)
    assert net_util.get_external_ip() is None


def test_an_upload_stays_in_memory_while_it_arrives() -> None:
    prepare_server()
    form = b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.png"\r\n\r\n'
    headers = Headers({"content-type": "multipart/form-data; boundary=x"})

    async def body() -> AsyncIterator[bytes]:
        yield form
        for _ in range(50):
            yield bytes(MB)
        yield b"\r\n--x--\r\n"

    async def parse() -> UploadFile:
        upload = (await MultiPartParser(headers, body()).parse())["f"]  # type: ignore[arg-type]
        assert isinstance(upload, UploadFile)
        return upload

    upload = run_coroutine(parse())
    assert upload.size == 50 * MB
    assert upload.file._rolled is False  # type: ignore[attr-defined]


def headers_of_a_page() -> Headers:
    app = SecurityHeaders(Starlette(routes=[Route("/", page)]), content_policy())
    return Headers(TestClient(app).get("/").headers)


def test_pages_load_pictures_from_this_server_only() -> None:
    assert "img-src 'self' data: blob:" in headers_of_a_page()["content-security-policy"].split(
        "; "
    )


def test_pages_say_what_browsers_may_do_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FRAME_ANCESTORS, raising=False)
    headers = headers_of_a_page()
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["permissions-policy"].startswith("camera=(self)")
    assert headers["content-security-policy"].endswith("; frame-ancestors 'self'")


def test_the_host_names_the_sites_that_may_frame_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FRAME_ANCESTORS, "'self' https://school.example")
    policy = headers_of_a_page()["content-security-policy"]
    assert policy.endswith("; frame-ancestors 'self' https://school.example")
    for text in ("'self'; script-src *", "https://a.example, https://b.example", "'self'\n"):
        monkeypatch.setenv(FRAME_ANCESTORS, text)
        with pytest.raises(UserError, match=FRAME_ANCESTORS):
            content_policy()


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, SimpleNamespace]]:
    """Return session -> name -> file that the server holds; the test fills it."""
    stored: dict[str, dict[str, SimpleNamespace]] = {}
    manager = SimpleNamespace(uploaded_file_mgr=SimpleNamespace(file_storage=stored))
    monkeypatch.setattr(Runtime, "instance", lambda: manager)
    return stored


def upload(size: int) -> tuple[int, str]:
    """Return status and text of the answer to an upload of this size in bytes."""
    routes = [Route("/_stcore/upload_file/{session}/{file}", page, methods=["PUT"])]
    app = TestClient(UploadLimits(Starlette(routes=routes)))
    response = app.put(UPLOAD, headers={"content-length": str(size)})
    return response.status_code, response.text


def file(mb: float) -> SimpleNamespace:
    return SimpleNamespace(data=range(int(mb * MB)))  # as long as a file, without its bytes


def test_a_viewer_has_a_largest_number_of_files(
    stored: dict[str, dict[str, SimpleNamespace]],
) -> None:
    stored["viewer"] = {str(number): file(0) for number in range(MAX_FILES - 1)}
    assert upload(1)[0] == 200
    stored["viewer"]["last"] = file(0)
    assert upload(1) == (413, f"This is more than {MAX_FILES} files; remove some first")


def test_a_viewer_has_a_largest_size_of_all_files(
    stored: dict[str, dict[str, SimpleNamespace]],
) -> None:
    stored["viewer"] = {"large": file(MAX_VIEWER_MB - 1)}
    stored["other"] = {"large": file(MAX_VIEWER_MB)}
    assert upload(MB)[0] == 200
    message = f"This is more than {MAX_VIEWER_MB} MB in all; remove some files first"
    assert upload(MB + 1) == (413, message)


def test_all_viewers_have_a_largest_size_together(
    stored: dict[str, dict[str, SimpleNamespace]],
) -> None:
    stored["others"] = {"all": file(MAX_SERVER_MB)}
    assert upload(1) == (413, "The files of all viewers fill the server's memory; try again later")


def test_files_on_their_way_count(stored: dict[str, dict[str, SimpleNamespace]]) -> None:
    async def run() -> list[int]:
        arrived = asyncio.Event()

        async def slow(scope: object, receive: object, send: object) -> None:
            await arrived.wait()

        limits = UploadLimits(slow)
        size = str(MAX_VIEWER_MB * MB // 2).encode()
        scope = {
            "type": "http",
            "method": "PUT",
            "path": UPLOAD,
            "headers": [(b"content-length", size)],
        }
        statuses: list[int] = []

        async def send(message: dict[str, int]) -> None:
            statuses.append(message.get("status", 0))

        async def receive() -> dict[str, str]:
            return {"type": "http.disconnect"}

        first = [asyncio.create_task(limits(scope, receive, send)) for _ in range(2)]  # type: ignore[arg-type]
        await asyncio.sleep(0)
        await limits(scope, receive, send)  # type: ignore[arg-type]
        arrived.set()
        await asyncio.gather(*first)
        assert limits.arriving == {}
        return [status for status in statuses if status]

    assert run_coroutine(run()) == [413]
