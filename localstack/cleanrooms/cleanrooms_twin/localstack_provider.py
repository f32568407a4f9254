"""The twin inside LocalStack: one port with S3, STS, IAM and the rest. Must not hold any behaviour.

LocalStack would parse requests by the service model of its own botocore, which lacks the newest operations. So a request
whose signature names Clean Rooms, and everything under /_twin/, is taken before LocalStack parses it. The provider plugin
makes the service known (health, enabled services); its skeleton is never reached.
"""

import logging

from localstack import config
from localstack.aws import handlers
from localstack.aws.accounts import get_account_id_from_access_key_id
from localstack.runtime import hooks
from localstack.services.plugins import Service, aws_provider

from .accounts import Accounts, scope
from .control import PREFIX, Control
from .server import answer
from .twin import Twin
from .wire import Request

LOG = logging.getLogger(__name__)
SERVICE = "cleanrooms"


class LocalstackAccounts(Accounts):
    """LocalStack's own reading of access keys, so that S3 and Clean Rooms see the same account."""

    def account_of(self, key):
        """Given keys first, then LocalStack's word."""
        return self.given.get(key) or get_account_id_from_access_key_id(key)


class Route:
    """A handler of LocalStack's chain that takes the twin's requests out of it."""

    def __init__(self):
        self.twin = Twin(config.internal_service_url(), LocalstackAccounts)
        self.control = Control(self.twin, can_cut=False)

    def __call__(self, chain, context, response):
        """Answers what is the twin's; leaves all else alone."""
        incoming = context.request
        path = incoming.environ.get("RAW_URI") or incoming.environ.get("REQUEST_URI") or incoming.path
        path, _, query = path.partition("?")
        if path.startswith("http://") or path.startswith("https://"):
            path = "/" + path.split("/", 3)[3]
        headers = {k.lower(): v for k, v in incoming.headers.items()}
        signed = scope(headers)
        if not path.startswith(PREFIX) and not (signed and signed[2] == SERVICE):
            return
        raw = incoming.environ.get("QUERY_STRING", "") or query
        reply = answer(self.twin, self.control, Request(incoming.method, path, raw, headers, incoming.get_data()))
        response.status_code = reply.status
        response.data = reply.body
        response.headers.update(reply.headers)
        if reply.status == 204:
            response.headers.pop("Content-Type", None)
        chain.stop()


@hooks.on_infra_start()
def route_cleanrooms():
    """Puts the twin's route in front of LocalStack's own parsing."""
    handlers.preprocess_request.append(Route())
    LOG.info("the Clean Rooms twin answers")


@aws_provider(api=SERVICE)
def cleanrooms():
    """Makes the service known; its requests never come this far."""
    return Service(SERVICE)
