"""Who receives a query's result, and where: from the request, or from the memberships' defaults. Must not write anything."""

from urllib.parse import urlparse

from .. import visibility
from ..errors import invalid, misconfigured


def deliveries(call, membership, collaboration_id, configuration, query_id):
    """[delivery] and the result as it will be read by the runner."""
    if configuration is None:
        default = membership.get("defaultResultConfiguration")
        if not default:
            raise misconfigured("Neither the request nor the membership says where the result goes")
        configuration = default
    output = configuration["outputConfiguration"]
    if "intermediateTable" in output:
        raise misconfigured("An intermediate table is populated by PopulateIntermediateTable only")
    if "s3" in output:
        made = [_own(call, collaboration_id, output["s3"], query_id)]
        return made, {"output": {"s3": {"location": made[0]["location"]}}}
    if "member" in output:
        made = [_member(call, collaboration_id, output["member"]["accountId"], query_id)]
        return made, {"output": {"memberList": [{"accountId": made[0]["account"]}]}}
    return _distributed(call, collaboration_id, output["distribute"]["locations"], query_id)


def _distributed(call, collaboration_id, locations, query_id):
    own = [at["s3"] for at in locations if "s3" in at]
    others = [at["member"]["accountId"] for at in locations if "member" in at]
    if len(own) > 1:
        raise invalid("resultConfiguration.outputConfiguration.distribute.locations", "at most one is of type s3")
    if len(set(others)) != len(others):
        raise invalid("resultConfiguration.outputConfiguration.distribute.locations", "a member appears twice")
    made = [_own(call, collaboration_id, at, query_id) for at in own] + [_member(call, collaboration_id, a, query_id) for a in others]
    output = {"memberList": [{"accountId": a} for a in others]} if others else {}
    if own:
        output["s3"] = {"location": made[0]["location"]}
    return made, {"output": {"distribute": output}}


def _own(call, collaboration_id, at, query_id):
    _receiver(call, collaboration_id, call.account)
    return _delivery(call.account, at, query_id, None)


def _member(call, collaboration_id, account, query_id):
    if account == call.account:
        raise misconfigured("The query runner receives by s3, not as a member")
    entry = _receiver(call, collaboration_id, account)
    default = call.world.memberships[entry["membershipId"]].get("defaultResultConfiguration")
    if not default:
        raise misconfigured(f"The member {account} has not said where results go")
    return _delivery(account, default["outputConfiguration"]["s3"], query_id, default.get("roleArn"))


def _receiver(call, collaboration_id, account):
    entry = visibility.member(call.world, collaboration_id, account)
    if not entry or "CAN_RECEIVE_RESULTS" not in entry["abilities"]:
        raise misconfigured(f"The account {account} is not a member who can receive results")
    if entry["status"] != "ACTIVE":
        raise misconfigured(f"The member {account} is {entry['status']}, and cannot receive results")
    return entry


def _delivery(account, at, query_id, role):
    prefix = at.get("keyPrefix", "").strip("/")
    key = f"{prefix}/{query_id}/" if prefix else f"{query_id}/"
    return {"account": account, "bucket": at["bucket"], "key": key, "format": at["resultFormat"], "single": at.get("singleFileOutput", False),
            "role": role, "location": f"s3://{at['bucket']}/{key}"}


def check_buckets(call, made, tables, collaboration):
    """A result never lands in a bucket of a source table, nor in a Region the collaboration does not allow."""
    sources = {urlparse(t.location).netloc for t in tables}
    regions = collaboration.get("allowedResultRegions")
    for delivery in made:
        if delivery["bucket"] in sources:
            raise misconfigured(f"The result bucket {delivery['bucket']} holds source data of the query")
        if regions:
            region = call.twin.storage.region_of(delivery["bucket"], delivery["account"], call.region)
            if region and region not in regions:
                raise misconfigured(f"The result bucket {delivery['bucket']} is in {region}, which the collaboration does not allow")
