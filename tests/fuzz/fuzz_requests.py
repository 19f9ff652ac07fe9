"""Requests as nobody should send them: whole ones in which something was put, cut out, doubled or changed."""

import json
import re
from typing import Any

import fuzz_target
import numpy as np
from hypothesis import strategies as st

X = [[0.5, -1000.0, 3], [1e-3, 12, -0.25]]
NAMED = [dict(zip(fuzz_target.FEATURES, row, strict=True)) for row in X]
TENSOR: dict[str, Any] = {
    "name": "rows",
    "shape": [2, 3],
    "datatype": "FP64",
    "data": [number for row in X for number in row],
}
COLUMNS = [
    {"name": name, "shape": [2, 1], "datatype": kind, "data": [[1], [0]]}
    for name, kind in zip(fuzz_target.FEATURES, ("INT8", "BF16", "UINT64"), strict=True)
]
WANTED = [{"name": "score", "parameters": {"binary_data": False}}, {"name": "predict"}]


def post(path: str, body: bytes, *lines: str) -> bytes:
    """A request in flawless HTTP."""
    head = [f"POST {path} HTTP/1.1", "Host: x", "Connection: close", *lines, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(head).encode("latin-1") + body


def as_json(content: Any) -> bytes:
    """JSON as every client writes it."""
    return json.dumps(content).encode()


BODIES = (
    ("/predict", as_json({"rows": NAMED})),
    ("/predict", as_json({"rows": X})),
    (fuzz_target.INFER, as_json({"inputs": [TENSOR]})),
    (fuzz_target.INFER, as_json({"inputs": [TENSOR | {"data": X}], "id": "4", "outputs": WANTED})),
    (fuzz_target.INFER, as_json({"id": "ü", "inputs": COLUMNS, "parameters": {"binary_data_output": False, "x": 1.5}})),
)
CHUNKS = b'5\r\n{"row\r\nc;x=y\r\ns":[[1,2,3]]\r\n1\r\n}\r\n0\r\nX-Sum: 1\r\n\r\n'
WHOLE = (
    b"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: application/openmetrics-text;version=1.0.0;q=0.5\r\n\r\n",
    b"GET /v2/health/ready HTTP/1.1\r\nHost: x\r\n\r\nHEAD / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET http://x:80/v2/models/m?a=b HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
    b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n" + CHUNKS,
    *(
        post(path, body, "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        for path, body in BODIES
    ),
)
# what is put into a request
HTTP_PIECES = [
    *(
        b"\r\n",
        b"\r\n\r\n",
        b"\n",
        b"\0",
        b" ",
        b":",
        b"\xff\xfe",
        b"%ff%00",
        b"%",
        b"/../",
        b"?",
        b"#",
        b"\t",
        b"x" * 9000,
    ),
    *(b"HTTP/1.0", b"HTTP/2.0", b"HTTP/1.1\r\n", b"GET ", b"HEAD ", b"CONNECT ", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    *(b"http://a:b/", b"http://[::", b"://", b"ffffffffffffffff\r\n", b"-1\r\n", b"0\r\n\r\n", b"1;" + b"y" * 500),
    *(b"\r\nContent-Length: " + value for value in (b"", b"5", b"-1", b"+4", b"1e3", b"9" * 20, b"2000000", b"0")),
    *(b"\r\nTransfer-Encoding: " + value for value in (b"chunked", b"gzip, chunked", b"gzip", b"chunked, chunked")),
    *(b"\r\nExpect: " + value for value in (b"100-continue", b"\xff")),
    *(b"\r\nConnection: " + value for value in (b"close", b"keep-alive, close", b"upgrade, close\r\nUpgrade: x")),
    *(b"\r\nInference-Header-Content-Length: " + value for value in (b"7", b"-1", b"9" * 30, b"\xb2")),
    *(b"\r\nHost: y", b"\r\nContent-Encoding: gzip", b"\r\nX: " + b"y" * 20_000, b"\r\n Folded: z", b"\r\nX: y" * 120),
]
JSON_PIECES = [
    *(b"NaN", b"-Infinity", b"1e999", b"-1e400", b"1e308", b"5e-324", b"9" * 400, b"9" * 4400, b"9007199254740993"),
    *(
        b"-0",
        b"01",
        b"1.",
        b"+1",
        b"0x1",
        b"1_0",
        b"null",
        b"true",
        b"False",
        b"[]",
        b"{}",
        b"[[1]]",
        b"{}}",
        b"]",
        b",",
        b"",
    ),
    *(
        b'"x"',
        b'"\\ud800"',
        b'"\\u0000"',
        b'"\xff"',
        b'"\xc3("',
        b'"\\x"',
        b'"',
        b"'x'",
        b"/**/",
        b"\xef\xbb\xbf",
        b"\0",
    ),
    *(
        b"[" * 20_000,
        b"[" * 20_000 + b"]" * 20_000,
        b'{"a":' * 9000,
        b'{"a":1,"a":2}',
        b'"BYTES"',
        b'"BOOL"',
        b'"INT64"',
    ),
    *(b'{"binary_data_size":8}', b'{"shared_memory_region":"x"}', b"18446744073709551616", b"-1", b"100001", b"1e-999"),
]
TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[^\s"\[\]{}:,]+|[\[\]{}:,]')


@st.composite
def spoilt_http(draw: st.DrawFn) -> bytes:
    """A whole request, changed in one to four places."""
    content = draw(st.sampled_from(WHOLE))
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(content)))
        end = begin + draw(st.sampled_from((0, 0, 1, 5, 60)))
        inside = content[begin:end]
        piece = draw(st.one_of(st.sampled_from(HTTP_PIECES), st.binary(max_size=6), st.just(inside * 2)))
        content = content[:begin] + piece + content[end:]
    return content


@st.composite
def spoilt_json(draw: st.DrawFn) -> tuple[str, bytes]:
    """An address, and a body for it of which one to three tokens were replaced, doubled, left out or joined by more."""
    path, body = draw(st.sampled_from(BODIES))
    tokens = TOKEN.findall(body)
    for _ in range(draw(st.integers(1, 3))):
        begin = draw(st.integers(0, len(tokens)))
        end = begin + draw(st.sampled_from((0, 1, 1, 1, 4)))
        piece = draw(st.one_of(st.sampled_from(JSON_PIECES).map(lambda piece: [piece]), st.just(tokens[begin:end] * 2)))
        tokens = tokens[:begin] + piece + tokens[end:]
    return path, draw(st.sampled_from((b"", b"", b" ", b"\r\n\t"))).join(tokens)


@st.composite
def binary_tensors(draw: st.DrawFn) -> bytes:
    """A request whose numbers follow as bytes, of whatever bits, announced rightly or not."""
    kind, size = draw(st.sampled_from((("FP64", 8), ("FP32", 4), ("BF16", 2), ("FP16", 2), ("BOOL", 1), ("INT64", 8))))
    rows = draw(st.sampled_from((1, 1, 2, 0, -1, 7)))
    content = draw(st.one_of(st.binary(max_size=60), st.just(np.ones(3 * max(rows, 0)).tobytes())))
    right = 3 * rows * size
    announced = draw(st.sampled_from((right, right, len(content), right - 1, -1, 2**63, 2**70, 1.5, "24", None)))
    given = {"name": "rows", "shape": [rows, 3], "datatype": kind, "parameters": {"binary_data_size": announced}}
    text = json.dumps({"inputs": [given], "parameters": {"binary_data_output": draw(st.booleans())}}).encode()
    length = len(text) + draw(st.sampled_from((0, 0, 0, 1, -1, 10**6)))
    return post(fuzz_target.INFER, text + content, f"Inference-Header-Content-Length: {length}")


def numbers(answer: bytes) -> np.ndarray:
    """All numbers of an answer, whether they stand in its JSON or behind it."""
    about, end = json.JSONDecoder().raw_decode(answer.decode("latin-1"))
    listed = [number for output in about["outputs"] for number in output.get("data", [])]
    return np.concatenate([listed, np.frombuffer(answer[end:])])


def is_strict_json(body: bytes) -> bool:
    """What Python's own parser says, made strict: no NaN, no name twice."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(items)) < len(items):
            raise ValueError("a name twice")
        return dict(items)

    def constant(text: str) -> None:
        raise ValueError(text)

    try:
        json.loads(body.decode(), object_pairs_hook=pairs, parse_constant=constant, parse_int=float)
    except RecursionError:
        return True  # it cannot tell
    except ValueError:
        return False
    return True
