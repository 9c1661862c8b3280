"""Requests by requests: answers of all sorts, and none."""

import contextlib
import os

import provider
from begin import begin

begin()

import requests  # noqa: E402
from opentelemetry import baggage, context, trace  # noqa: E402
from opentelemetry.instrumentation.requests import RequestsInstrumentor  # noqa: E402

RequestsInstrumentor().instrument()
tracer = trace.get_tracer("shop")
URL = os.environ["UPSTREAM_URL"]

context.attach(baggage.set_baggage("user", "seven"))
with tracer.start_as_current_span("work"), requests.Session() as session:
    answer = session.get(f"{URL}/items/7?q=a%20b", headers={"User-Agent": "shop/1"})
    said = answer.json()
    assert "traceparent" in said and said["baggage"] == "user=seven"
    session.post(f"{URL}/items", json={"what": "book"})
    session.get(f"{URL}/status/404")
    session.get(f"{URL}/status/503")
    session.get(f"{URL}/moved")
    session.request("PURGE", f"{URL}/items/7")
    session.get(URL.replace("//", "//user:secret@") + "/items/7#there")
requests.head(f"{URL}/items/7")
for url, patience in ((os.environ["NOBODY_URL"], 5.0), (f"{URL}/slow", 0.05)):
    with contextlib.suppress(requests.RequestException):
        requests.get(url, timeout=patience)
provider.finish()
