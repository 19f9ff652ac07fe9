"""The sockets at which a server listens: one for each process that answers."""

import errno
import socket

from aicontainer.errors import MachineError, PortTaken

# connections that the kernel keeps while no process takes them; it cuts the number to net.core.somaxconn
BACKLOG = 2048


def listen(host: str, port: int, count: int) -> list[socket.socket]:
    """``count`` sockets that listen at one port; the kernel spreads connections over them (SO_REUSEPORT).

    Raises
    ------
    PortTaken
        When somebody listens there: sharing with a stranger, two models would answer in turn, and nobody be told.
    MachineError
        When the address is not one of this machine, or may not be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        alone = socket.create_server((host, port), family=family, backlog=BACKLOG)
        if count == 1:
            return [alone]
        alone.close()
        return [
            socket.create_server((host, port), family=family, backlog=BACKLOG, reuse_port=True) for _ in range(count)
        ]
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(f"port {port} is in use", seen=str(error), next_step="set PORT to another one") from error
        raise MachineError(f"cannot listen at {host} port {port}", seen=str(error)) from error
