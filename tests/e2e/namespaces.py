"""Three machines on one, each in a network namespace of its own: browser, relay with proxy, and app.

    browser  10.78.1.2 --- 10.78.1.1  relay  10.77.2.2 --- 10.77.2.128  app

The relay's machine forwards nothing. So pages reach the browser through the proxy only, and the video through
the relay only, as behind a strict firewall. Proxy and relay run with the files of ``deploy/``. This takes
root, and the programs ip, caddy, turnserver and openssl.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.driver import CHROMIUM, ROOT, server_arguments, wait_for

SITE: Final = "lens.test"
TURN: Final = "turn.test"
SECRET: Final = "a-secret-of-the-tests"

PROGRAMS: Final = ("ip", "caddy", "turnserver", "openssl")

BROWSER_SIDE: Final = "10.78.1.1"
APP_SIDE: Final = "10.77.2.2"
BROWSER: Final = "10.78.1.2"
APP: Final = "10.77.2.128"
"""The addresses of relay and app are those in ``deploy/turnserver.conf``."""

HOSTS: Final = {
    "browser": f"{BROWSER_SIDE} {SITE} {TURN}\n",
    "relay": f"127.0.0.1 localhost\n{BROWSER_SIDE} {SITE} {TURN}\n",
    "app": f"127.0.0.1 localhost\n{APP_SIDE} {TURN}\n",
}
"""Namespace -> its file of host names."""

ASK: Final = """
import ssl, sys, urllib.error, urllib.request
try:
    context = ssl._create_unverified_context()
    print(urllib.request.urlopen(sys.argv[1], timeout=5, context=context).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""
"""Program that asks an address and prints the status of the answer."""

NETNS: Final = Path("/etc/netns")
"""Below this folder, ``ip netns exec`` finds files that stand in the place of those in /etc."""


def missing() -> str | None:
    """Return why this machine cannot have the namespaces; None if it can."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "network namespaces take root on Linux"
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    return f"not installed: {', '.join(absent)}" if absent else None


def run(*command: str) -> str:
    """Run a command to its end and return its output.

    Raises:
        RuntimeError: with the output of a command that fails.
    """
    process = subprocess.run(command, capture_output=True, text=True)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}: {process.stderr or process.stdout}")
    return process.stdout


@dataclass
class Machines:
    """The three namespaces, and what runs in them until the end of the test."""

    folder: Path
    """Folder for certificates, logs and settings."""
    prefix: str = field(default_factory=lambda: f"lens{os.getpid()}")
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def name(self, machine: str) -> str:
        """Return the name of a machine's namespace."""
        return f"{self.prefix}-{machine}"

    def inside(self, machine: str, *command: str) -> list[str]:
        """Return the command that runs another one on a machine."""
        return ["ip", "netns", "exec", self.name(machine), *command]

    def start(
        self, machine: str, *command: str, log: str, **variables: str
    ) -> "subprocess.Popen[bytes]":
        """Start a program on a machine, with its output in a file of ``folder``."""
        with (self.folder / log).open("ab") as output:
            process = subprocess.Popen(
                self.inside(machine, *command),
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **variables},
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def kill(self, process: "subprocess.Popen[bytes]") -> None:
        """End a program and those that it has started, without a word."""
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def kill_all(self) -> None:
        """End all programs of all machines."""
        for process in self.processes:
            self.kill(process)

    def status(self, machine: str, url: str) -> int | None:
        """Return the status of the answer that a machine gets from an address; None without an answer."""
        command = self.inside(machine, sys.executable, "-c", ASK, url)
        process = subprocess.run(command, capture_output=True, text=True)
        return int(process.stdout) if process.returncode == 0 else None

    def browser_program(self) -> str:
        """Return a program that runs Chromium on the browser's machine."""
        script = self.folder / "chromium.sh"
        command = " ".join(self.inside("browser", str(CHROMIUM)))
        script.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        script.chmod(0o755)
        return str(script)

    def start_turn(self, secret: str = SECRET) -> "subprocess.Popen[bytes]":
        """Start the relay with the files of ``deploy/``."""
        process = self.start(
            "relay",
            "sh",
            "deploy/turn.sh",
            log="turn.txt",
            TURN_HOST=TURN,
            TURN_SECRET=secret,
            TURN_SETTINGS=str(ROOT / "deploy" / "turnserver.conf"),
            TURN_CERTIFICATES=str(self.folder),
            TURN_CHECK_SECONDS="1",
        )
        wait_for(lambda: self.listens(5349), "the relay")
        return process

    def certificate(self) -> str:
        """Return the number of the certificate that the relay shows."""
        connect = ("openssl", "s_client", "-connect", f"{TURN}:5349", "-verify_quiet")
        shown = subprocess.run(
            self.inside("browser", *connect), stdin=subprocess.DEVNULL, capture_output=True
        )
        number = ("openssl", "x509", "-noout", "-serial")
        return subprocess.run(number, input=shown.stdout, capture_output=True).stdout.decode()

    def listens(self, port: int) -> bool:
        """Return whether a program of the relay's machine listens on a port of TCP."""
        return f":{port} " in run(*self.inside("relay", "ss", "-Htln"))

    def start_proxy(self, *ports: int) -> "subprocess.Popen[bytes]":
        """Start the proxy with the file of ``deploy/``, before the app on these ports."""
        process = self.start(
            "relay",
            *("caddy", "run", "--config", "deploy/Caddyfile", "--adapter", "caddyfile"),
            log="proxy.txt",
            HOME=str(self.folder),
            XDG_DATA_HOME=str(self.folder),
            XDG_CONFIG_HOME=str(self.folder),
            SITE_HOST=SITE,
            TURN_HOST=TURN,
            SITE_TLS=f"{self.folder / TURN}.crt {self.folder / TURN}.key",
            LENS_UPSTREAMS=" ".join(f"{APP}:{port}" for port in ports),
        )
        wait_for(lambda: self.status("browser", f"https://{SITE}/readyz") == 200, "the proxy")
        return process

    def start_app(self, port: int, **variables: str) -> "subprocess.Popen[bytes]":
        """Start the hosted app; return when it is ready."""
        process = self.start(
            "app",
            *(sys.executable, "-m", *server_arguments(hosted=True)),
            log=f"app{port}.txt",
            STREAMLIT_SERVER_ADDRESS="0.0.0.0",
            STREAMLIT_SERVER_PORT=str(port),
            STREAMLIT_SERVER_ALLOWED_HOSTS=SITE,
            FORWARDED_ALLOW_IPS=APP_SIDE,
            SSL_CERT_FILE=str(self.folder / "authority.crt"),
            EXPRESSION_LENS_TURN_URLS=f"turns:{TURN}:5349?transport=tcp",
            **variables,
        )
        url = f"http://127.0.0.1:{port}/readyz"
        wait_for(lambda: self.status("app", url) == 200, "the app")
        return process

    def log_of(self, name: str) -> str:
        """Return what a program has written so far."""
        return (self.folder / name).read_text(encoding="utf-8", errors="replace")


@contextmanager
def machines(folder: Path) -> Iterator[Machines]:
    """Make the three machines with their network and certificates; remove all of it at the end."""
    made = Machines(folder)
    with ExitStack() as stack:
        for machine, hosts in HOSTS.items():
            name = made.name(machine)
            run("ip", "netns", "add", name)
            stack.callback(run, "ip", "netns", "delete", name)
            place = NETNS / name
            place.mkdir(parents=True)
            stack.callback(shutil.rmtree, place)
            (place / "hosts").write_text(hosts)
            run(*made.inside(machine, "ip", "link", "set", "lo", "up"))
        stack.callback(made.kill_all)
        connect(made, ("browser", BROWSER), ("relay", BROWSER_SIDE))
        connect(made, ("app", APP), ("relay", APP_SIDE))
        write_certificates(folder)
        yield made


def connect(made: Machines, *ends: tuple[str, str]) -> None:
    """Lay a cable between two machines, with an address at each end."""
    (first, _), (second, _) = ends
    names = (f"{first}-{second}"[:15], f"{second}-{first}"[:15])
    peer = ("peer", "name", names[1], "netns", made.name(second))
    run("ip", "link", "add", names[0], "netns", made.name(first), "type", "veth", *peer)
    for (machine, address), name in zip(ends, names, strict=True):
        run(*made.inside(machine, "ip", "address", "add", f"{address}/24", "dev", name))
        run(*made.inside(machine, "ip", "link", "set", name, "up"))


def write_certificates(folder: Path) -> None:
    """Write a certificate for both names, and the authority that has signed it."""
    authority, leaf = str(folder / "authority"), str(folder / TURN)
    new = ("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj")
    names = folder / "names.txt"
    names.write_text(f"subjectAltName=DNS:{SITE},DNS:{TURN}\n")
    run(
        *new,
        "/CN=tests",
        "-x509",
        "-days",
        "2",
        "-keyout",
        f"{authority}.key",
        "-out",
        f"{authority}.crt",
    )
    run(*new, f"/CN={SITE}", "-keyout", f"{leaf}.key", "-out", f"{leaf}.csr")
    signed = ("-CA", f"{authority}.crt", "-CAkey", f"{authority}.key", "-CAcreateserial")
    ending = ("-days", "2", "-extfile", str(names), "-out", f"{leaf}.crt")
    run("openssl", "x509", "-req", "-in", f"{leaf}.csr", *signed, *ending)
