"""Requests that once were answered with 5xx or broke something, or that come close to it; each is asked in each run."""

from fuzz_requests import TENSOR, as_json, post
from fuzz_target import INFER

_POST = b"POST /predict HTTP/1.1\r\nHost: x\r\n"
_FEATURES = b'{"rows":[{"income":%b,"rooms":1,"\xc3\xa2ge":1}]}'

# found by this test: each was answered with 500
FOUND = {
    "absolute target, port no number": b"GET http://a:b:c/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "absolute target, port too large": b"GET http://a:99999999/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "absolute target without a host": b"GET http:// HTTP/1.1\r\nHost: x\r\n\r\n",
    "absolute target, IPv6 not closed": b"GET http://[::1 HTTP/1.1\r\nHost: x\r\n\r\n",
    "half a surrogate pair as a name, twice": post("/predict", rb'{"\ud800":1,"\ud800":1}'),
    "half a surrogate pair in a row, twice": post("/predict", rb'{"rows":[{"\ud800":1,"\ud800":1}]}'),
    "half a surrogate pair before NaN": post("/predict", rb'{"rows":[{"\ud800":NaN}]}'),
    "a version of OpenMetrics that is no number": b"GET /metrics HTTP/1.1\r\nHost: x\r\n"
    b"Accept: application/openmetrics-text;version=:1.0.0\r\n\r\n",
    "a whole number of 4,400 digits": post("/predict", _FEATURES % (b"9" * 4400)),
}

# where other servers have fallen
NEAR = {
    "upgrade and close": b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close, upgrade\r\nUpgrade: x\r\n\r\nmore",
    "CONNECT and close": b"CONNECT a:1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nmore",
    "preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "two lengths": _POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "length and chunks": _POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunk of 2**64 bytes": _POST + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\na",
    "a score that overflows": post("/predict", _FEATURES % b"1.7e308"),
    "lists 100,000 deep": post("/predict", b"[" * 100_000),
    "unknown field, lists 20,000 deep": post(INFER, b'{"inputs":[],"x":' + b"[" * 20_000 + b"]" * 20_000 + b"}"),
    "2**70 bytes announced": post(INFER, as_json({"inputs": [TENSOR | {"parameters": {"binary_data_size": 2**70}}]})),
    "shape of 4,000 digits": post(
        INFER, b'{"inputs":[{"name":"rows","shape":[1,%b],"datatype":"FP64"}]}' % (b"9" * 4000)
    ),
    "escapes that are no UTF-8 in the path": b"GET /%ff%fe%00 HTTP/1.1\r\nHost: x\r\n\r\n",
    "an id that is half a surrogate pair": post(INFER, as_json({"inputs": [TENSOR], "id": "\ud800"})),
}
