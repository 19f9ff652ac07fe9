"""What mends each thing, on each family of systems: text only, so that it can be read and corrected in one place.

Sources: the documentation of Docker (post-installation, daemon proxy, Desktop's settings), of kind (known issues), of
WSL (wslconfig), and the Kubernetes page on cgroup v2.
"""

from aicontainer.doctor.findings import Advice

_INOTIFY = "fs.inotify.max_user_instances=512 fs.inotify.max_user_watches=524288"
_INOTIFY_FILE = "/etc/sysctl.d/99-inotify.conf"
_DROP_IN = "/etc/systemd/system/docker.service.d/proxy.conf"
_INSTALL_DESKTOP = "install Docker Desktop (docs.docker.com/desktop)"
_AGAIN = "then remove .venv and run make again"
_UP = "aicontainer up brings it where it can"


def _linux(text: str, *, macos: str, windows: str) -> Advice:
    """Where one text holds for every Linux."""
    return Advice(debian=text, fedora=text, macos=macos, windows=windows, other=text)


SYSTEM = Advice(
    debian="nothing to do: the course is tried on Debian",
    fedora="nothing to do: with Docker, kind and kubectl the course runs",
    macos="nothing to do: with Docker Desktop, kind and kubectl the course runs",
    windows="in PowerShell: wsl --list --verbose shows the version, wsl --set-version NAME 2 changes it",
    other="take Debian, Ubuntu, Fedora, macOS or Windows with WSL2; elsewhere have Docker, kind and kubectl on PATH",
)

WSL_PLACE = _linux(
    "clone the repository to a disk of this machine",
    macos="clone the repository to a disk of this machine",
    windows="in WSL: cd ~ and clone the repository there, not below /mnt",
)

PYTHON = Advice(
    debian=f"sudo apt-get install python3 python3-venv (3.11 from Debian 12, Ubuntu 24.04 on); {_AGAIN}",
    fedora=f"sudo dnf install python3; {_AGAIN}",
    macos=f"brew install python@3.13, or the installer of python.org; {_AGAIN}",
    windows=f"in WSL: sudo apt-get install python3 python3-venv (3.11 from Ubuntu 24.04 on); {_AGAIN}",
    other=f"install Python 3.11 or newer with venv; {_AGAIN}",
)

MEMORY = _linux(
    "have 4 GB or more; ps aux --sort=-rss | head shows who uses it, and in a virtual machine its settings give more",
    macos="have 4 GB or more; Activity Monitor, Memory shows who uses it",
    windows="in %UserProfile%\\.wslconfig on Windows, under [wsl2]: memory=6GB; then in PowerShell: wsl --shutdown",
)

DISK = Advice(
    debian="sudo apt-get clean; docker system df shows what Docker holds",
    fedora="sudo dnf clean all; docker system df shows what Docker holds",
    macos="docker system df shows what Docker holds; its limit: Docker Desktop, Settings, Resources, Disk usage limit",
    windows="in WSL: df -h / and docker system df; WSL's disk is a file on Windows' drive C, which needs room as well",
    other="docker system df shows what Docker holds",
)

INOTIFY = _linux(
    f"sudo sysctl -w {_INOTIFY}; to keep it: sysctl -a | grep fs.inotify.max_user | sudo tee {_INOTIFY_FILE}",
    macos="the limits are those of Docker's own Linux: update Docker Desktop and restart it",
    windows=f"in WSL: sudo sysctl -w {_INOTIFY}; to keep it, the same two lines in {_INOTIFY_FILE}",
)

DOCKER_ABSENT = Advice(
    debian=f"sudo systemctl start docker; where it is missing: sudo apt-get install docker.io; or {_UP}",
    fedora="sudo dnf install moby-engine docker-buildx, then sudo systemctl enable --now docker",
    macos=f"open -a Docker; where it is missing: {_INSTALL_DESKTOP}",
    windows=f"on Windows: {_INSTALL_DESKTOP}, start it; Settings, Resources, WSL integration: switch this system on",
    other="install Docker Engine (docs.docker.com/engine/install) and start it",
)

DOCKER_REFUSED = _linux(
    "sudo usermod -aG docker $USER, then log out and in (that group is as powerful as root)",
    macos="docker context use desktop-linux; and let the user who runs the course start Docker Desktop",
    windows="in WSL: sudo usermod -aG docker $USER; then in PowerShell: wsl --shutdown, and start Docker Desktop again",
)

DOCKER_OLD = Advice(
    debian="sudo apt-get update && sudo apt-get install docker.io; or Docker's own packages (docs.docker.com/engine)",
    fedora="sudo dnf upgrade moby-engine",
    macos="Docker Desktop, Check for updates",
    windows="on Windows: Docker Desktop, Check for updates",
    other="update Docker to 20.10 or newer",
)

DOCKER_MEMORY = _linux(
    "Docker Desktop, Settings, Resources: Memory 4 GB or more; an engine of the system has all of the machine's",
    macos="Docker Desktop, Settings, Resources: Memory 4 GB or more; with colima: colima start --memory 4",
    windows="in %UserProfile%\\.wslconfig on Windows, under [wsl2]: memory=6GB; then in PowerShell: wsl --shutdown",
)

_V2 = "systemd.unified_cgroup_hierarchy=1"
_OR_ALLOW = "or let the kubelet take v1: failCgroupV1: false in its configuration"
CGROUPS = Advice(
    debian=f"add {_V2} to GRUB_CMDLINE_LINUX in /etc/default/grub, sudo update-grub, reboot; {_OR_ALLOW}",
    fedora=f"sudo grubby --update-kernel=ALL --args={_V2}, reboot; {_OR_ALLOW}",
    macos="update Docker Desktop: since 4.3 its Linux has cgroup v2",
    windows="in %UserProfile%\\.wslconfig on Windows, under [wsl2]: kernelCommandLine=cgroup_no_v1=all; wsl --shutdown",
    other=f"start the kernel with {_V2}; {_OR_ALLOW}",
)

PROGRAM = Advice(
    debian=f"{_UP}; or put the release of its project into a folder of PATH",
    fedora=f"{_UP}; kubectl also: sudo dnf install kubernetes-client",
    macos="brew install kind kubectl",
    windows=f"{_UP}; or in WSL put the release of its project into a folder of PATH",
    other=f"{_UP}; or put the release of its project into a folder of PATH",
)

PROGRAM_BROKEN = _linux(
    f"rm it, since it does not work on this machine; then {_UP}",
    macos="brew reinstall kind kubectl",
    windows=f"in WSL: rm it, since it does not work on this machine; then {_UP}",
)

PORTS = _linux(
    "nothing to do: another port is used; sudo ss -ltnp shows who listens",
    macos="nothing to do: another port is used; lsof -nP -iTCP -sTCP:LISTEN shows who listens",
    windows="nothing to do: another port is used; sudo ss -ltnp in WSL and netstat -ano in PowerShell show who listens",
)

PROXY_ENGINE = _linux(
    f'the engine does not read your shell: Environment="HTTPS_PROXY=..." under [Service] in {_DROP_IN}; '
    "then sudo systemctl daemon-reload && sudo systemctl restart docker",
    macos="Docker Desktop, Settings, Resources, Proxies: Manual, the same addresses as in your shell",
    windows="on Windows: Docker Desktop, Settings, Resources, Proxies: Manual, the same addresses as in your shell",
)

_EXPORT = "export NO_PROXY=localhost,127.0.0.1,$NO_PROXY no_proxy=localhost,127.0.0.1,$no_proxy"
PROXY_LOCAL = _linux(
    f"in ~/.profile: {_EXPORT}",
    macos=f"in ~/.zprofile: {_EXPORT}",
    windows=f"in WSL, in ~/.profile: {_EXPORT}",
)

_FROM_COMPANY = "with the certificate of your company's CA (ask who runs the network):"
TLS = Advice(
    debian=f"{_FROM_COMPANY} sudo cp ca.crt /usr/local/share/ca-certificates/ && sudo update-ca-certificates; "
    "then pip config set global.cert /etc/ssl/certs/ca-certificates.crt",
    fedora=f"{_FROM_COMPANY} sudo cp ca.crt /etc/pki/ca-trust/source/anchors/ && sudo update-ca-trust; "
    "then pip config set global.cert /etc/pki/tls/certs/ca-bundle.crt",
    macos=f"{_FROM_COMPANY} sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain "
    "ca.crt, restart Docker Desktop; then pip config set global.cert with the path of ca.crt",
    windows=f"{_FROM_COMPANY} in WSL: sudo cp ca.crt /usr/local/share/ca-certificates/ && sudo update-ca-certificates; "
    "on Windows: certutil -addstore Root ca.crt, restart Docker Desktop",
    other=f"{_FROM_COMPANY} put it into the system's store and into pip: pip config set global.cert",
)

_ASK = "python -m pip download --no-deps numpy shows the same at length; often it is a proxy, or no network"
TLS_ASK = _linux(_ASK, macos=_ASK, windows=f"in WSL: {_ASK}")

TLS_ENGINE = Advice(
    debian="sudo systemctl restart docker, once the system trusts that CA: the engine reads it at its start",
    fedora="sudo systemctl restart docker, once the system trusts that CA: the engine reads it at its start",
    macos="restart Docker Desktop, once the keychain trusts that CA: it reads it at its start",
    windows="on Windows too that CA must be trusted (certutil -addstore Root ca.crt); then restart Docker Desktop",
    other="restart Docker, once the system trusts that CA: it reads it at its start",
)

SOURCE = Advice(
    debian="start Docker where it is installed; or as root, or with sudo: aicontainer up, which brings all of it",
    fedora="start Docker and let it reach an image registry; where it cannot pull, see proxies and TLS above",
    macos="start Docker Desktop; brew install kind kubectl; where it cannot pull, see proxies and TLS above",
    windows="start Docker Desktop with WSL integration; where it cannot pull, see proxies and TLS above",
    other="start Docker and let it reach an image registry; where it cannot pull, see proxies and TLS above",
)
