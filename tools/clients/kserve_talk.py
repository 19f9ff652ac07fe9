"""What a user of KServe's Python client would write, and nothing of ours: run by ``tools/standard_clients.py``."""

import asyncio
import sys
from importlib.metadata import version

import httpx
from asked import DATATYPES, Asked, Transcript, read_arguments
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput


async def ask_about(client: InferenceRESTClient, asked: Asked, transcript: Transcript) -> None:
    """Ask for the state of server and model."""
    transcript.yes("live", await client.is_server_live(asked.address))
    transcript.yes("ready", await client.is_server_ready(asked.address))
    transcript.yes("model ready", await client.is_model_ready(asked.address, asked.model))


async def ask_for_scores(client: InferenceRESTClient, asked: Asked, transcript: Transcript) -> None:
    """Ask in each datatype, with rows and scores in JSON and in binary."""
    for datatype in DATATYPES:
        rows = asked.rows(datatype)
        for way, binary in (("JSON", False), ("binary", True)):
            given = InferInput("rows", list(rows.shape), datatype)
            given.set_data_from_numpy(rows, binary_data=binary)
            wanted = RequestedOutput("score", {"binary_data": binary})
            request = InferRequest(asked.model, [given], request_id="7", request_outputs=[wanted])
            answer = await client.infer(asked.address, request, model_name=asked.model)
            transcript.scores(datatype, f"{way:6}", answer.get_output_by_name("score").as_numpy())


async def ask_wrongly(client: InferenceRESTClient, asked: Asked) -> Exception | None:
    """Send a row of one feature; returns what the client makes of the refusal."""
    given = InferInput("rows", [1, 1], "FP64")
    given.set_data_from_numpy(asked.rows("FP64")[:1, :1])
    try:
        await client.infer(asked.address, InferRequest(asked.model, [given]), model_name=asked.model)
    except httpx.HTTPStatusError as error:
        return error
    return None


async def talk() -> int:
    """Talk; 0 when all was as expected."""
    asked = read_arguments()
    transcript = Transcript(asked)
    print("kserve", version("kserve"))
    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    try:
        await ask_about(client, asked, transcript)
        await ask_for_scores(client, asked, transcript)
        transcript.refusal("too few features", await ask_wrongly(client, asked))
    finally:
        await client.close()
    return 0 if transcript.right else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(talk()))
