"""Credentials for TURN servers, and how servers that do not serve are named."""

import base64
import hashlib
import hmac
import logging
import shutil
import socket
import subprocess
from collections.abc import Iterator
from time import time

import pytest

from app.live import ice
from app.live.ice import (
    SECRET_VARIABLE,
    URLS_VARIABLE,
    IceProbe,
    configured_servers,
    probed_urls,
    relay_urls,
    turn_credentials,
)
from benchmarks.driver import wait_for
from tests.coroutines import run_coroutine


def test_credentials_are_the_expiry_and_its_signature() -> None:
    credentials = turn_credentials("north", "viewer", 1_800_000_000.4)
    assert credentials["username"] == "1800000000:viewer"
    digest = hmac.new(b"north", b"1800000000:viewer", hashlib.sha1).digest()
    assert base64.b64decode(credentials["credential"]) == digest
    other = turn_credentials("south", "viewer", 1_800_000_000)
    assert other["credential"] != credentials["credential"]


def test_a_relay_needs_a_secret_and_an_address() -> None:
    urls = "turn:a.example.org turns:a.example.org:443?transport=tcp"
    assert relay_urls({URLS_VARIABLE: urls}) == []
    assert relay_urls({SECRET_VARIABLE: "s"}) == []
    assert relay_urls({SECRET_VARIABLE: "s", URLS_VARIABLE: urls}) == urls.split()


def test_fixed_servers_are_a_json_list() -> None:
    servers, wrong = configured_servers({"ICE_SERVERS": '[{"urls": ["stun:a", "turn:b"]}]'})
    assert wrong is None and servers == [{"urls": ["stun:a", "turn:b"]}]
    assert [url for url, _ in probed_urls(servers)] == ["stun:a", "turn:b"]
    assert probed_urls([{"urls": "stun:a"}, {}]) == [("stun:a", {"urls": "stun:a"})]
    for text in ("stun:a", '["stun:a"]', "1"):
        servers, wrong = configured_servers({"ICE_SERVERS": text})
        assert servers == [] and wrong is not None and "docs/hosting.md" in wrong


@pytest.fixture
def turn_server() -> Iterator[int]:
    """Run coturn on the loopback address with the secret ``north``; yield its port."""
    if not (program := shutil.which("turnserver")):
        pytest.skip("coturn is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["-n", "--no-tls", "--no-dtls", "--no-cli", "--log-file=stdout", "--simple-log"]
    options += ["--listening-ip=127.0.0.1", f"--listening-port={port}", "--relay-ip=127.0.0.1"]
    options += ["--use-auth-secret", "--static-auth-secret=north", "--realm=lens", "--pidfile="]
    with subprocess.Popen(
        [program, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        wait_for(lambda: answers(port), "coturn")
        yield port
        server.kill()


def answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def problems(*urls: str, secret: str = "north") -> tuple[str, ...]:
    probe = IceProbe()
    environment = {SECRET_VARIABLE: secret, URLS_VARIABLE: " ".join(urls)}
    assert run_coroutine(probe.probe(environment))
    return probe.problems


def test_a_turn_server_that_serves_is_no_problem(turn_server: int) -> None:
    address = f"127.0.0.1:{turn_server}"
    assert problems(f"turn:{address}", f"turn:{address}?transport=tcp", f"stun:{address}") == ()


def test_a_wrong_secret_is_named(turn_server: int) -> None:
    url = f"turn:127.0.0.1:{turn_server}"
    (problem,) = problems(url, secret="south")
    assert problem == f"The TURN server {url} refuses the credentials of this server (401)."


def test_expired_credentials_are_refused(turn_server: int) -> None:
    server = dict(turn_credentials("north", "viewer", time() - 60))
    problem = run_coroutine(ice.probe_url(f"turn:127.0.0.1:{turn_server}", server))
    assert problem is not None and "refuses the credentials" in problem


def test_a_silent_server_and_an_address_that_is_none_are_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ice, "PROBE_PATIENCE", 0.5)
    with socket.socket(type=socket.SOCK_DGRAM) as silent, caplog.at_level(logging.INFO):
        silent.bind(("127.0.0.1", 0))
        url = f"turn:127.0.0.1:{silent.getsockname()[1]}"
        probe = IceProbe()
        environment = {SECRET_VARIABLE: "s", URLS_VARIABLE: f"{url} relay.example.org"}
        run_coroutine(probe.probe(environment))
        run_coroutine(probe.probe(environment))
    assert len(probe.problems) == 2
    assert probe.problems[0] == f"The server {url} does not answer."
    assert "relay.example.org is not the address of a STUN or TURN server" in probe.problems[1]
    assert caplog.text.count("does not answer") == 1, "a problem is logged once"
    assert not run_coroutine(IceProbe().probe({})), "without servers there is nothing to probe"
