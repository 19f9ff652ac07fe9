"""The servers that are compared: what each needs, how it is started, how it is asked; each in its own environment."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "aicontainer" / "serve-benchmark"

PROTOCOL = "/v2/models/{model}/infer"


def by_protocol(rows: list[list[float]]) -> bytes:
    """A request of the Open Inference Protocol."""
    flat = [number for row in rows for number in row]
    given = {"name": "rows", "shape": [len(rows), len(rows[0])], "datatype": "FP64", "data": flat}
    return json.dumps({"inputs": [given]}).encode()


def by_rows(rows: list[list[float]]) -> bytes:
    """A request as BentoML and LitServe take it here."""
    return json.dumps({"rows": rows}).encode()


@dataclass(frozen=True)
class Contender:
    """A server: packages, command (``{python}``, ``{port}``, ``{folder}`` filled in), addresses, form of a request."""

    name: str
    packages: tuple[str, ...]
    command: tuple[str, ...]
    path: str = PROTOCOL
    ready: str = "/v2/health/ready"
    body: Callable[[list[list[float]]], bytes] = by_protocol
    keeps_connections: bool = True

    def python(self) -> Path:
        """Its interpreter; the environment is made at its first use and kept."""
        if not self.packages:
            return Path(sys.executable)
        folder = CACHE / self.name
        python = folder / "bin" / "python"
        if not (folder / "ready").exists():
            print(f"making the environment of {self.name}", file=sys.stderr, flush=True)
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
            pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, *self.packages], check=True, stdout=sys.stderr)
            (folder / "ready").touch()
        return python

    def argv(self, port: int, folder: Path) -> list[str]:
        """How it is started; ``folder`` is a scratch folder of this start."""
        values = {"python": str(self.python()), "port": str(port), "folder": str(folder), "here": str(HERE / "servers")}
        return [word.format(**values) for word in self.command]


CONTENDERS = (
    Contender("ours", (), ("{python}", "-m", "aicontainer.serve")),
    Contender(
        "fastapi",
        ("fastapi==0.139.0", "uvicorn[standard]", "numpy"),
        (
            *("{python}", "-m", "uvicorn", "fastapi_app:app", "--app-dir", "{here}", "--port", "{port}"),
            *("--no-access-log", "--log-level", "error"),
        ),
    ),
    Contender(
        "flask",
        ("flask", "gunicorn", "numpy"),
        ("{python}", "-m", "gunicorn", "flask_app:app", "--chdir", "{here}", "-b", "127.0.0.1:{port}", "-w", "1"),
        keeps_connections=False,
    ),
    Contender("mlserver", ("mlserver", "uvloop"), ("{python}", "-m", "mlserver.cli.main", "start", "{folder}")),
    Contender(
        "bentoml",
        ("bentoml", "numpy"),
        ("{python}", "-m", "bentoml", "serve", "bentoml_app:Linear", "--working-dir", "{here}", "-p", "{port}"),
        path="/infer",
        ready="/readyz",
        body=by_rows,
    ),
    Contender(
        "litserve",
        ("litserve", "numpy"),
        ("{python}", "{here}/litserve_app.py"),
        path="/infer",
        ready="/health",
        body=by_rows,
    ),
    Contender("nginx", (), ("nginx", "-c", "{folder}/nginx.conf", "-p", "{folder}")),
)

NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log crit;
events {{ worker_connections 512; }}
http {{
  access_log off; client_body_temp_path {folder}; keepalive_requests 100000000;
  proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{port};
    location / {{ default_type application/json; return 200 '{answer}'; }}
  }}
}}
"""


def prepare(name: str, port: int, folder: Path, answer: bytes) -> None:
    """Write the settings that some of them read from files."""
    if name == "nginx":
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port, answer=answer.decode()))
    if name == "mlserver":
        shutil.copy(HERE / "servers" / "mlserver_model.py", folder)
        general = {
            "http_port": port,
            "grpc_port": port + 1,
            "metrics_port": port + 2,
            "parallel_workers": 0,
            "host": "127.0.0.1",
        }
        (folder / "settings.json").write_text(json.dumps(general))
        (folder / "model-settings.json").write_text(
            json.dumps({"name": "education", "implementation": "mlserver_model.Linear"})
        )


def chosen(names: Sequence[str]) -> list[Contender]:
    """Those with the given names; all for no name."""
    return [contender for contender in CONTENDERS if not names or contender.name in names]
