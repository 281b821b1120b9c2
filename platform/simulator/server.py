"""The HTTP application: both carriers and the control API over one world."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import Mount

from . import control, iotportal, simbase
from .bulk import work_off
from .dialects import DIALECTS
from .door import Dropped, nobody_left
from .world import World


def application(world: World) -> Starlette:
    """The app; it closes the store when it stops."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        workers = [asyncio.create_task(work) for work in (work_off(world), world.rings.work_off())]
        yield
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        world.store.close()

    app = Starlette(
        routes=[
            Mount("/simbase", routes=simbase.routes()),
            Mount("/iotportal", routes=iotportal.routes()),
            *(Mount(f"/{name}", routes=dialect.routes()) for name, dialect in DIALECTS.items()),
            Mount("/_sim", routes=control.routes()),
        ],
        exception_handlers={Dropped: nobody_left},
        lifespan=lifespan,
    )
    app.state.world = world
    return app
