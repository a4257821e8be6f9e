# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Real servers, started by the tests that want them; without them these skip."""

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


def free_port() -> int:
    """Find a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# PostgreSQL.


def _find(program: str) -> str | None:
    """Find a server program, which distributions keep off the PATH."""
    if (found := shutil.which(program)) is not None:
        return found
    return next(map(str, sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), reverse=True)), None)


def _as_server_user() -> list[str]:
    """PostgreSQL does not run for root; return what runs it as somebody else."""
    if os.getuid() != 0:
        return []
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("PostgreSQL does not run for root, and there is no user 'postgres'")
    if (runuser := shutil.which("runuser")) is None:
        pytest.skip("PostgreSQL does not run for root, and runuser is missing")
    return [runuser, "-u", "postgres", "--"]


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """Start a PostgreSQL server; yield the URL of an empty database."""
    initdb, pg_ctl = _find("initdb"), _find("pg_ctl")
    if initdb is None or pg_ctl is None:
        pytest.skip("PostgreSQL is not installed: there is no initdb or pg_ctl")
    psycopg2 = pytest.importorskip("psycopg2")
    user = _as_server_user()
    # Not below pytest's folder, which other users may not enter.
    directory = tempfile.mkdtemp(prefix="images-pg-")
    if user:
        shutil.chown(directory, "postgres")
    data, port = f"{directory}/d", free_port()
    try:
        _call([*user, initdb, "-D", data, "-A", "trust", "-U", "postgres", "--no-sync"])
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c fsync=off -k {directory}"
        _call([*user, pg_ctl, "-D", data, "-o", options, "-l", f"{directory}/log", "-w", "start"])
        try:
            connection = psycopg2.connect(host="127.0.0.1", port=port, user="postgres", dbname="postgres")
            connection.autocommit = True
            with contextlib.closing(connection), connection.cursor() as cursor:
                cursor.execute("CREATE EXTENSION btree_gist")
            yield f"postgresql+psycopg2://postgres@127.0.0.1:{port}/postgres"
        finally:
            _call([*user, pg_ctl, "-D", data, "-m", "fast", "-w", "stop"])
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _call(command: list[str]) -> None:
    result = subprocess.run(command, cwd="/", capture_output=True, text=True, timeout=60)
    if result.returncode:
        pytest.skip(f"PostgreSQL does not start: {result.stderr or result.stdout}")


# S3.


@contextlib.contextmanager
def s3(log: Path) -> Iterator[CountingProxy]:
    """Start an S3 server with a bucket behind a proxy; set the environment for its clients."""
    pytest.importorskip("moto.server", reason="moto[server] is not installed")
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
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
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
    end = time.monotonic() + 30
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url, timeout=1).close()
            return
        time.sleep(0.1)
    pytest.skip("moto's S3 server does not start")
