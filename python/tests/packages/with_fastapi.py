"""A service of FastAPI by opentelemetry-instrumentation-fastapi, called by httpx."""

import asyncio

import provider
from begin import begin

begin(listening=True)

import fastapi  # noqa: E402
import shop  # noqa: E402
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor  # noqa: E402
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor  # noqa: E402

HTTPXClientInstrumentor().instrument()
app = fastapi.FastAPI(version="7")
FastAPIInstrumentor.instrument_app(
    app,
    http_capture_headers_server_request=["user-agent"],
    http_capture_headers_server_response=["content-.*"],
)
shop.serve(app)
asyncio.run(shop.main(app))
shop.talk(app)
provider.finish()
