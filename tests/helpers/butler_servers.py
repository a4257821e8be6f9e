# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Start PostgreSQL and S3 servers for tests; skip the tests if the servers are not installed."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.servers import CountingProxy

BUCKET = "images"
"""Name of the bucket of the S3 server."""

SERVER_START_TIMEOUT = 30.0
"""Seconds to wait for the first answer of the S3 server."""

COMMAND_TIMEOUT = 60.0
"""Seconds that a command of PostgreSQL may take."""


def free_port() -> int:
    """Return an unused TCP port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# PostgreSQL.


def _find(program: str) -> str | None:
    """Return the path of a PostgreSQL program; some distributions do not install it on the PATH."""
    if (found := shutil.which(program)) is not None:
        return found
    return next(map(str, sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), reverse=True)), None)


def _server_user_prefix() -> list[str]:
    """Return the command prefix that runs PostgreSQL as a normal user, because it refuses to run as root."""
    if os.getuid() != 0:
        return []
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("PostgreSQL does not run as root, and the user 'postgres' does not exist")
    if (runuser := shutil.which("runuser")) is None:
        pytest.skip("PostgreSQL does not run as root, and the program runuser is not installed")
    return [runuser, "-u", "postgres", "--"]


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """Start a PostgreSQL server; yield the URL of an empty database."""
    initdb, pg_ctl = _find("initdb"), _find("pg_ctl")
    if initdb is None or pg_ctl is None:
        pytest.skip("PostgreSQL is not installed: initdb or pg_ctl was not found")
    psycopg2 = pytest.importorskip("psycopg2")
    prefix = _server_user_prefix()
    # Not in the temporary directory of pytest, which other users cannot access.
    directory = tempfile.mkdtemp(prefix="images-pg-")
    if prefix:
        shutil.chown(directory, "postgres")
    data, port = f"{directory}/d", free_port()
    try:
        _call([*prefix, initdb, "-D", data, "-A", "trust", "-U", "postgres", "--no-sync"])
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c fsync=off -k {directory}"
        _call([*prefix, pg_ctl, "-D", data, "-o", options, "-l", f"{directory}/log", "-w", "start"])
        try:
            connection = psycopg2.connect(host="127.0.0.1", port=port, user="postgres", dbname="postgres")
            connection.autocommit = True
            with contextlib.closing(connection), connection.cursor() as cursor:
                cursor.execute("CREATE EXTENSION btree_gist")
            yield f"postgresql+psycopg2://postgres@127.0.0.1:{port}/postgres"
        finally:
            _call([*prefix, pg_ctl, "-D", data, "-m", "fast", "-w", "stop"])
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _call(command: list[str]) -> None:
    """Run a command; skip the test if it fails."""
    result = subprocess.run(command, cwd="/", capture_output=True, text=True, timeout=COMMAND_TIMEOUT)
    if result.returncode:
        pytest.skip(f"PostgreSQL did not start: {result.stderr or result.stdout}")


# S3.


@contextlib.contextmanager
def s3(log: Path) -> Iterator[CountingProxy]:
    """Start an S3 server with a bucket; yield a counting proxy in front of it.

    The environment variables of S3 clients are set as long as the server runs.
    """
    pytest.importorskip("moto.server", reason="moto[s3], flask and flask-cors are required")
    pytest.importorskip("s3fs")
    boto3 = pytest.importorskip("boto3")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    code = "import sys; from moto.server import main; main(sys.argv[1:])"
    with open(log, "wb") as stream:
        server = subprocess.Popen(
            [sys.executable, "-c", code, "-H", "127.0.0.1", "-p", str(port)], stdout=stream, stderr=stream
        )
    proxy = CountingProxy(url)
    settings = {
        "S3_ENDPOINT_URL": proxy.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    before = {key: os.environ.get(key) for key in settings}
    os.environ.update(settings)
    try:
        _wait(url, server)
        boto3.client("s3", endpoint_url=url).create_bucket(Bucket=BUCKET)
        yield proxy
    finally:
        proxy.close()
        server.terminate()
        server.wait(10)
        for key, value in before.items():
            os.environ.pop(key, None) if value is None else os.environ.update({key: value})


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    """Wait until a server answers; skip the test if it does not."""
    deadline = time.monotonic() + SERVER_START_TIMEOUT
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url, timeout=1).close()
            return
        time.sleep(0.1)
    pytest.skip(f"the S3 server of moto did not answer within {SERVER_START_TIMEOUT:g} s")
