"""Tags of any resource, by ARN. Only NotFound and Validation are modelled here, so another account's resource is not there."""

from ..errors import invalid, not_found
from ..operations import operation

KINDS = {"configuredtable": "CONFIGURED_TABLE", "collaboration": "COLLABORATION", "configuredtableassociation": "CONFIGURED_TABLE_ASSOCIATION"}
TAGS_MAX = 200


def _held(call, arn):
    held = call.world.tags.get(arn)
    if not held or held["_owner"] != call.account:
        kind = arn.split(":")[5].split("/")[0]
        raise not_found(KINDS.get(kind, "MEMBERSHIP"), arn)
    return held["tags"]


@operation("TagResource")
def tag(call, params):
    """Adds and replaces."""
    tags = _held(call, params["resourceArn"])
    if len(tags | params["tags"]) > TAGS_MAX:
        raise invalid("tags", f"a resource has at most {TAGS_MAX}")
    tags |= params["tags"]


@operation("UntagResource")
def untag(call, params):
    """Takes away; keys that are not there are no error."""
    tags = _held(call, params["resourceArn"])
    for key in params["tagKeys"]:
        tags.pop(key, None)


@operation("ListTagsForResource")
def list_all(call, params):
    """All of them."""
    return {"tags": _held(call, params["resourceArn"])}
