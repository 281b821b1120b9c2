"""KORE's Super SIM API over the fleet: Twilio's, with a token."""

from urllib.parse import parse_qs

from starlette.responses import Response
from starlette.routing import Route

from simulator.answers import Refusal, answer
from simulator.calls import Asked
from simulator.door import Door
from simulator.world import World

from .shared import by_token
from .supersim import routes_of, worded

CLIENT_ID, CLIENT_SECRET = "kore-demo-client", "kore-demo-client-secret"


def authorize(world: World, asked: Asked, name: str) -> None:
    if name != login.__name__:
        by_token(world, asked, "authorization", "Bearer ")


def routes() -> list[Route]:
    door = Door("kore", authorize, worded)
    return [door.route("/api-services/v1/auth/token", {"POST": login}), *routes_of(door)]


def login(world: World, asked: Asked) -> Response:
    wanted = {"grant_type": ["client_credentials"], "client_id": [CLIENT_ID], "client_secret": [CLIENT_SECRET]}
    if parse_qs(asked.body.decode()) != wanted:
        raise Refusal(401, "Invalid client or Invalid client credentials")
    return answer(
        {"access_token": world.new_token(), "expires_in": "3600", "token_type": "Bearer", "scope": "supersim"}
    )
