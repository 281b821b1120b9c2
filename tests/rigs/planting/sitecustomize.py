"""Found by every process of an installation into which a fault is planted: plants it once Django is set up."""

import functools
import os

if plant := os.environ.get("RIG_PLANT"):
    import django

    name: str = plant

    setup = django.setup

    @functools.wraps(setup)
    def planted(*given, **named):  # type: ignore[no-untyped-def]
        setup(*given, **named)
        from tests.rigs.plants import PLANTS

        PLANTS[name].plant()

    django.setup = planted
