"""Reviews of studies on the remotes that reviewers use: S3, SSH (SFTP) and HTTP, each by a local server."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import create_connection, socket
from typing import Any

import boto3
import pytest

from .conftest import Project, jobs
from .test_uses import cloned, pushed, shuffle_times

pytestmark = pytest.mark.workflow

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
SSH_SERVER = """
import asyncio, sys, asyncssh

class Server(asyncssh.SSHServer):
    def begin_auth(self, username): return True
    def password_auth_supported(self): return True
    def validate_password(self, username, password): return (username, password) == ("reviewer", "secret")

async def main():
    await asyncssh.create_server(Server, "127.0.0.1", int(sys.argv[1]), sftp_factory=True,
                                 server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")])
    await asyncio.Event().wait()

asyncio.run(main())
"""


@contextmanager
def _server(*command: str) -> Iterator[int]:
    """A server process on a free local port, given as its last argument; skips with the reason if it does not come
    up.
    """
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    with (
        tempfile.TemporaryFile("w+") as said,  # no pipe: nobody would read it, and a full one stops the server
        subprocess.Popen([*command, str(port)], stdout=subprocess.DEVNULL, stderr=said) as process,
    ):
        try:
            for _ in range(300):
                try:
                    create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    if process.poll() is not None:
                        said.seek(0)
                        pytest.skip(f"{command[0]} does not start here: {said.read()[-300:]}")
                    time.sleep(0.1)
            yield port
        finally:
            process.kill()


@contextmanager
def s3_server(bucket: str) -> Iterator[tuple[Any, str]]:
    """A client of a local S3 server that has an empty bucket, and the server's address."""
    with _server(f"{Path(sys.executable).parent}/moto_server", "-H", "127.0.0.1", "-p") as port:
        url = f"http://127.0.0.1:{port}"
        client = boto3.client(
            "s3", endpoint_url=url, aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1"
        )
        client.create_bucket(Bucket=bucket)
        yield client, url
        client.close()


def _check(project: Project, tmp_path: Path, *remote: str, **environment: str) -> None:
    """Review a study on a remote (address, and a setting of it), then change what only few items depend on."""
    pushed(project, *remote, **environment)
    clone = cloned(project, tmp_path / "clone")
    assert "every file as the commit names it" in clone.run("python", "-m", "minarch.commands.review", **environment)
    shuffle_times(clone.root)
    clone.assert_clean()
    clone.edit(quantize__calibration=64)
    said = clone.run("dvc", "repro", **environment)
    assert jobs(said, "sweep_item") == jobs(said, "prune_item") == 0
    exported = [name for name in clone.items("quantize") if "-int8-" in name]  # what is simulated calibrates nothing
    assert 0 < jobs(said, "quantize_item") == len(exported) < len(clone.items("quantize"))
    clone.assert_clean()


@pytest.mark.long
def test_a_study_on_s3_is_reviewed(project: Project, tmp_path: Path) -> None:
    with s3_server("artifacts") as (_, url):
        _check(project, tmp_path, "s3://artifacts/minarch", "endpointurl", url, **KEYS)


def test_a_study_behind_ssh_is_reviewed(project: Project, tmp_path: Path) -> None:
    with _server(sys.executable, "-c", SSH_SERVER) as port:
        folder = tmp_path / "remote"
        folder.mkdir()
        _check(project, tmp_path, f"ssh://reviewer@127.0.0.1:{port}{folder}", "password", "secret")


@pytest.mark.long
def test_a_directory_that_a_web_server_shows_is_reviewed(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "remote"
    pushed(project, str(folder))
    with _server(sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(folder)) as port:
        project.run("dvc", "remote", "add", "--default", "web", f"http://127.0.0.1:{port}")
        project.commit()
        clone = cloned(project, tmp_path / "clone")
        said = clone.run("make", "-o", ".venv/ready", "review")
        assert f"from the remote 'web' (http://127.0.0.1:{port})" in said
        assert "every file as the commit names it" in said
        clone.assert_clean()
