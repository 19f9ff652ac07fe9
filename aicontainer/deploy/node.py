"""The cluster's node as a container: started again when it was stopped, at whatever address Docker gives it then."""

from typing import Any

from aicontainer.deploy import kind
from aicontainer.deploy.containers import NETWORK, NODE
from aicontainer.errors import AicontainerError
from aicontainer.events import Event, Listener
from aicontainer.package import engine as docker_engine
from aicontainer.sources.base import Supply
from aicontainer.waiting import Seen, failed, pending, ready, wait

START_SECONDS = 150  # about 10 s on a machine that has nothing else to do

# What a stopped node had as its address another container can have meanwhile. The old address stands in the manifests
# of the control plane, in kubelet's options and in the API server's certificate. The manifest that it is read from
# is rewritten last: what was interrupted begins again. kubelet rests meanwhile, for it would start half a change.
FOLLOW_ADDRESS = r"""
set -eu
manifest=/etc/kubernetes/manifests/kube-apiserver.yaml
old=$(sed -n 's/.*--advertise-address=//p' $manifest)
if [ "$old" != "$new" ]; then
  systemctl stop kubelet
  pattern="\b$(echo "$old" | sed 's/\./\\./g')\b"
  cd /etc/kubernetes
  for file in *.conf manifests/* /kind/kubeadm.conf /var/lib/kubelet/kubeadm-flags.env; do
    [ "$PWD/$file" = $manifest ] || sed -i "s/$pattern/$new/g" "$file"
  done
  rm -f /etc/kubernetes/pki/apiserver.crt /etc/kubernetes/pki/apiserver.key
  kubeadm init phase certs apiserver --config /kind/kubeadm.conf
  sed -i "s/$pattern/$new/g" $manifest
fi
systemctl start kubelet
"""


def mend(supply: Supply, tell: Listener) -> bool:
    """Bring the node that is there to answer, stopped or not; False where nothing helps, and a new one has to.

    A cluster that answers to a new kubeconfig only lacked that; else its container is started and followed to its
    address.
    """
    try:
        if _only_lacks_kubeconfig(supply):
            tell(Event(kind.STEP, "mended", "its kubeconfig was written anew"))
            return True
        tell(Event(kind.STEP, "started", "starting the node again", estimate=20))
        with docker_engine.engine() as client:
            _start(client.containers.get(NODE))
            wait(
                "the node to know its address",
                lambda: _follow_address(client.containers.get(NODE)),
                limit=START_SECONDS,
            )
        kind.write_kubeconfig(supply)
        wait(
            "the cluster's API to answer",
            lambda: ready() if kind.api_answers(supply) else pending("it does not answer yet"),
            limit=START_SECONDS,
        )
    except AicontainerError as error:
        tell(Event(kind.STEP, "progress", f"the node does not recover: {error.seen or error.what}"))
        return False  # whatever it is, a new cluster takes half a minute and is certain
    tell(Event(kind.STEP, "mended", "the node was started again"))
    return True


def _only_lacks_kubeconfig(supply: Supply) -> bool:
    with docker_engine.engine() as client:
        if client.containers.get(NODE).status != "running":
            return False
    kind.write_kubeconfig(supply)
    return kind.api_answers(supply)


def _start(node: Any) -> None:
    if node.status == "paused":
        node.unpause()
    node.start()


def _follow_address(node: Any) -> Seen:
    if node.status in ("exited", "dead"):
        return failed(f"it is {node.status}: {node.logs(tail=3).decode(errors='replace')}")
    if node.status != "running":
        return pending(f"it is {node.status}")
    address = node.attrs["NetworkSettings"]["Networks"][NETWORK]["IPAddress"]
    code, output = node.exec_run(["sh", "-c", FOLLOW_ADDRESS], environment={"new": address})
    return ready() if code == 0 else pending(output.decode(errors="replace"))  # its systemd is not there yet
