"""What ``expression-lens serve`` refuses before it starts anything."""

import socket
from typing import Any

import pytest

from fer_core.serving import start
from tests.conftest import Run


@pytest.fixture(autouse=True)
def no_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test start Ray."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("Ray was started")

    monkeypatch.setattr(start, "_running", refuse)


def test_an_unknown_model_is_a_mistake_of_the_caller(run: Run) -> None:
    code, _, err = run("serve", "--models", "plain,vgg")
    assert code == 2 and "unknown model 'vgg'" in err


def test_without_ray_it_says_how_to_install_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "find_spec", lambda name: None)
    code, _, err = run("serve")
    assert code == 2 and err == (
        "error: the engine needs Ray; run: pip install 'expression-lens[scale]'\n"
    )


def test_a_port_in_use_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "find_spec", lambda name: object())
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code, _, err = run("serve", "--port", port)
    assert code == 2 and f"cannot listen on 127.0.0.1:{port}" in err and "--port" in err


def test_the_head_of_a_cluster_that_is_not_there_is_named_at_once() -> None:
    pytest.importorskip("ray", reason="Ray is not installed")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    with pytest.raises(ValueError, match=f"the Ray cluster at {address} cannot be joined"):
        start._start_ray(start.EngineOptions(ray_address=address))
