"""A client of the API: `Linekeeper(url, account, key)`, with a method for each call."""

from linekeeper_client.client import Linekeeper
from linekeeper_client.signatures import WrongSignature, verified
from linekeeper_client.transport import ApiError

__all__ = ["ApiError", "Linekeeper", "WrongSignature", "verified"]
