"""What a user of Triton's Python client would write, and nothing of ours: run by ``tools/standard_clients.py``."""

import sys
from importlib.metadata import version

import tritonclient.http as triton
from asked import DATATYPES, Asked, Transcript, read_arguments
from tritonclient.utils import InferenceServerException


def ask_about(client: triton.InferenceServerClient, model: str, transcript: Transcript) -> str:
    """Ask for the state of server and model; returns the model's version."""
    transcript.yes("live", client.is_server_live())
    transcript.yes("ready", client.is_server_ready())
    transcript.yes("model ready", client.is_model_ready(model))
    print("server", client.get_server_metadata()["extensions"])
    about = client.get_model_metadata(model)
    print("model", about["name"], about["versions"], about["inputs"], about["outputs"])
    return about["versions"][0]


def ask_for_scores(client: triton.InferenceServerClient, asked: Asked, number: str, transcript: Transcript) -> None:
    """Ask in each datatype, in JSON and in binary, with and without the version in the address."""
    for datatype in DATATYPES:
        rows = asked.rows(datatype)
        for way, binary in (("JSON", False), ("binary", True)):
            for asked_version in ("", number):
                given = triton.InferInput("rows", list(rows.shape), datatype)
                given.set_data_from_numpy(rows, binary_data=binary)
                wanted = [triton.InferRequestedOutput("score", binary_data=binary)]
                answer = client.infer(asked.model, [given], model_version=asked_version, outputs=wanted, request_id="7")
                how = f"{way:6} version {asked_version or '-'}"
                transcript.scores(datatype, how, answer.as_numpy("score"))


def ask_wrongly(client: triton.InferenceServerClient, asked: Asked) -> Exception | None:
    """Send a row of one feature; returns what the client makes of the refusal."""
    given = triton.InferInput("rows", [1, 1], "FP64")
    given.set_data_from_numpy(asked.rows("FP64")[:1, :1])
    try:
        client.infer(asked.model, [given])
    except InferenceServerException as error:
        return error
    return None


def main() -> int:
    """Talk; 0 when all was as expected."""
    asked = read_arguments()
    transcript = Transcript(asked)
    print("tritonclient", version("tritonclient"))
    with triton.InferenceServerClient(asked.address.removeprefix("http://")) as client:
        number = ask_about(client, asked.model, transcript)
        ask_for_scores(client, asked, number, transcript)
        transcript.refusal("too few features", ask_wrongly(client, asked))
    return 0 if transcript.right else 1


if __name__ == "__main__":
    sys.exit(main())
