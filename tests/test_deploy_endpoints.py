from aicontainer.deploy import endpoints
from aicontainer.deploy.endpoints import Endpoint
from aicontainer.deploy.manifests import Manifest


def pod(address: str | None, ready: str) -> Manifest:
    status: Manifest = {"conditions": [{"type": "Ready", "status": ready}]}
    return {"status": {**status, "podIP": address} if address else status}


def test_endpoints_are_read_from_all_slices_with_their_ports_and_whether_they_take_requests() -> None:
    first = {
        "ports": [{"port": 8080}],
        "endpoints": [
            {"addresses": ["10.0.0.7"], "conditions": {"ready": True}},
            {"addresses": ["10.0.0.5"], "conditions": {"ready": False, "terminating": True}},
        ],
    }
    second = {"ports": [{"port": 8080}], "endpoints": [{"addresses": ["10.0.0.6"], "conditions": {"ready": True}}]}
    assert endpoints.from_slices([first, second]) == (
        Endpoint("10.0.0.5", 8080, False),
        Endpoint("10.0.0.6", 8080, True),
        Endpoint("10.0.0.7", 8080, True),
    )


def test_a_service_that_nobody_is_behind_has_no_endpoints() -> None:
    assert endpoints.from_slices([]) == ()
    # so the cluster writes a slice without pods
    assert endpoints.from_slices([{"endpoints": None, "ports": None}]) == ()


def test_only_pods_that_are_ready_and_have_an_address_can_be_behind_a_service() -> None:
    found = [pod("10.0.0.9", "True"), pod("10.0.0.8", "False"), pod(None, "True"), pod("10.0.0.7", "True"), {}]
    assert endpoints.addresses(found) == ("10.0.0.7", "10.0.0.9")
