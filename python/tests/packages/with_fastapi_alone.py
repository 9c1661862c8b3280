"""A service of FastAPI, which traces itself."""

import asyncio

import provider
from begin import begin

begin(listening=True)

import fastapi  # noqa: E402
import shop  # noqa: E402

app = fastapi.FastAPI(version="7")
shop.serve(app)
asyncio.run(shop.main(app))
shop.talk(app)
provider.finish()
