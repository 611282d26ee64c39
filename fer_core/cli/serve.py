"""``serve``: the engine for many viewers."""

import os
import signal
from contextlib import ExitStack
from threading import Event
from typing import Annotated

import typer

from fer_core.cli.progress import progress_bar


def serve(
    replicas: Annotated[int, typer.Option(help="Processes that compute.", min=1)] = 2,
    models: Annotated[
        str,
        typer.Option(
            help="Models to load at once, with commas; others are loaded when they are first used."
        ),
    ] = "default",
    address: Annotated[
        str,
        typer.Option(
            help="local starts Ray on this machine; host:port joins the Ray cluster of that head."
        ),
    ] = "local",
    host: Annotated[
        str,
        typer.Option(help="Address to listen on; 127.0.0.1 answers to this machine alone."),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
) -> None:
    """Run the networks in several processes or on several machines, for an app with many viewers.

    Ctrl+C ends it.
    """
    from fer_core.runtime.remote import ADDRESS, ENGINE, TOKEN
    from fer_core.serving import EngineOptions, start_engine

    names = tuple(name.strip() for name in models.split(",") if name.strip())
    token = os.environ.get(TOKEN, "")
    options = EngineOptions(names, replicas, address, host, port, token)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with ExitStack() as running:
            with progress_bar("Starting the engine"):
                listening = running.enter_context(start_engine(options))
            typer.echo(f"The engine listens on {listening}, with {replicas} processes.")
            typer.echo(f"Start the app with: {ENGINE}=ray {ADDRESS}={listening}")
            typer.echo(
                "It belongs on a private network: faces pass unencrypted, and Ray's own ports are open on "
                "every network of this machine. Its firewall has to close them to others."
            )
            Event().wait()
    except KeyboardInterrupt:
        typer.echo("The engine has ended.")
    finally:
        signal.signal(signal.SIGTERM, before)
