"""Collaborations, members and memberships of several accounts: who sees what, and what cannot be undone."""

import pytest
from stage import OTHER, OWNER, RUNNER, STRANGER, Room, client

NOWHERE = "00000000-0000-4000-8000-000000000000"
MEMBERS = [{"accountId": RUNNER, "memberAbilities": ["CAN_QUERY", "CAN_RECEIVE_RESULTS"], "displayName": "runner"},
           {"accountId": OTHER, "memberAbilities": ["CAN_RECEIVE_RESULTS"], "displayName": "other"}]


def create(owner, members=MEMBERS, **fields):
    """A collaboration nobody has joined."""
    return owner.create_collaboration(**({"name": "c", "creatorMemberAbilities": [], "creatorDisplayName": "owner", "queryLogStatus": "ENABLED",
                                          "members": members} | fields))["collaboration"]


@pytest.fixture
def owner(twin, endpoint):
    return client(endpoint, OWNER)


@pytest.fixture
def three(twin, endpoint, store):
    """A room of three."""
    return Room(twin, endpoint, store, MEMBERS)


def statuses(someone, collaboration):
    """{account: status}."""
    return {m["accountId"]: m["status"] for m in someone.list_members(collaborationIdentifier=collaboration)["memberSummaries"]}


def test_invited_members_see_the_collaboration_and_others_do_not(owner, endpoint):
    made = create(owner)
    assert made["memberStatus"] == "INVITED", "the creator joins like everybody"
    invited = client(endpoint, RUNNER)
    assert invited.get_collaboration(collaborationIdentifier=made["id"])["collaboration"]["memberStatus"] == "INVITED"
    assert [c["id"] for c in invited.list_collaborations(memberStatus="INVITED")["collaborationList"]] == [made["id"]]
    assert invited.list_collaborations(memberStatus="ACTIVE")["collaborationList"] == []
    stranger = client(endpoint, STRANGER)
    for identifier in (made["id"], NOWHERE):
        with pytest.raises(stranger.exceptions.AccessDeniedException):
            stranger.get_collaboration(collaborationIdentifier=identifier)
    assert stranger.list_collaborations()["collaborationList"] == []


def test_regions_are_apart(owner, endpoint):
    made = create(owner)
    elsewhere = client(endpoint, OWNER, "eu-west-1")
    with pytest.raises(elsewhere.exceptions.AccessDeniedException):
        elsewhere.get_collaboration(collaborationIdentifier=made["id"])


def test_names_are_not_unique_and_the_quota_is_402(owner):
    made = {create(owner)["id"] for _ in range(10)}
    assert len(made) == 10
    with pytest.raises(owner.exceptions.ServiceQuotaExceededException) as caught:
        create(owner)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 402 and caught.value.response["quotaValue"] == 10.0


def test_members_must_fit_together(owner):
    runner = MEMBERS[0]
    for members in ([runner, runner], [runner | {"accountId": OWNER}], [runner, MEMBERS[1] | {"memberAbilities": ["CAN_QUERY"]}],
                    [runner, MEMBERS[1] | {"memberAbilities": ["CAN_RUN_JOB"]}], [runner | {"memberAbilities": ["CAN_QUERY", "CAN_QUERY"]}]):
        with pytest.raises(owner.exceptions.ValidationException):
            create(owner, members)
    with pytest.raises(owner.exceptions.ValidationException):
        create(owner, analyticsEngine="CLEAN_ROOMS_SQL")
    with pytest.raises(owner.exceptions.ServiceQuotaExceededException):
        create(owner, [MEMBERS[1] | {"accountId": f"{i:012}"} for i in range(6)])
    assert create(owner)["analyticsEngine"] == "SPARK"


def test_only_the_creator_changes_and_deletes(three, endpoint):
    with pytest.raises(three.runner.exceptions.AccessDeniedException):
        three.runner.update_collaboration(collaborationIdentifier=three.id, name="mine")
    with pytest.raises(three.runner.exceptions.AccessDeniedException):
        three.runner.delete_collaboration(collaborationIdentifier=three.id)
    assert three.owner.update_collaboration(collaborationIdentifier=three.id, name="new")["collaboration"]["name"] == "new"
    assert three.runner.get_collaboration(collaborationIdentifier=three.id)["collaboration"]["name"] == "new"


def test_memberships_are_their_owners(three):
    mine = three.member(RUNNER)
    assert three.runner.get_membership(membershipIdentifier=mine)["membership"]["memberAbilities"] == ["CAN_QUERY", "CAN_RECEIVE_RESULTS"]
    with pytest.raises(three.owner.exceptions.AccessDeniedException):
        three.owner.get_membership(membershipIdentifier=mine)
    with pytest.raises(three.owner.exceptions.ResourceNotFoundException):
        three.owner.get_membership(membershipIdentifier=NOWHERE)


def test_leaving_is_final(three):
    three.clients[OTHER].delete_membership(membershipIdentifier=three.member(OTHER))
    assert statuses(three.owner, three.id)[OTHER] == "LEFT"
    gone = three.clients[OTHER]
    with pytest.raises(gone.exceptions.ResourceNotFoundException):
        gone.get_membership(membershipIdentifier=three.member(OTHER))
    with pytest.raises(gone.exceptions.AccessDeniedException):
        gone.create_membership(collaborationIdentifier=three.id, queryLogStatus="ENABLED")
    with pytest.raises(three.owner.exceptions.ValidationException):
        three.owner.create_collaboration_change_request(collaborationIdentifier=three.id, changes=[
            {"specificationType": "MEMBER", "specification": {"member": {"accountId": OTHER, "memberAbilities": [], "displayName": "again"}}}])


def test_the_creator_cannot_leave(three):
    with pytest.raises(three.owner.exceptions.ConflictException) as caught:
        three.owner.delete_membership(membershipIdentifier=three.member(OWNER))
    assert "Cannot delete membership for the creator of the collaboration while their membership is still ACTIVE" in str(caught.value)
    three.owner.delete_collaboration(collaborationIdentifier=three.id)
    three.owner.delete_membership(membershipIdentifier=three.member(OWNER))


def test_nobody_leaves_with_something_inside(three):
    three.template("SELECT a FROM t")
    with pytest.raises(three.runner.exceptions.ConflictException) as caught:
        three.runner.delete_membership(membershipIdentifier=three.member(RUNNER))
    assert caught.value.response["reason"] == "SUBRESOURCES_EXIST"


def test_a_removed_member_stays_in_the_list(three):
    with pytest.raises(three.runner.exceptions.AccessDeniedException):
        three.runner.delete_member(collaborationIdentifier=three.id, accountId=OTHER)
    with pytest.raises(three.owner.exceptions.ConflictException):
        three.owner.delete_member(collaborationIdentifier=three.id, accountId=OWNER)
    three.owner.delete_member(collaborationIdentifier=three.id, accountId=OTHER)
    assert statuses(three.owner, three.id)[OTHER] == "REMOVED"
    removed = three.clients[OTHER]
    assert removed.get_membership(membershipIdentifier=three.member(OTHER))["membership"]["status"] == "REMOVED"
    with pytest.raises(removed.exceptions.AccessDeniedException):
        removed.get_collaboration(collaborationIdentifier=three.id)
    with pytest.raises(three.owner.exceptions.ResourceNotFoundException):
        three.owner.delete_member(collaborationIdentifier=three.id, accountId=OTHER)


def test_a_deleted_collaboration_leaves_memberships_to_read(three):
    three.owner.delete_collaboration(collaborationIdentifier=three.id)
    for account, someone in three.clients.items():
        found = someone.get_membership(membershipIdentifier=three.member(account))["membership"]
        assert found["status"] == "COLLABORATION_DELETED"
        with pytest.raises(someone.exceptions.AccessDeniedException):
            someone.get_collaboration(collaborationIdentifier=three.id)
    with pytest.raises(three.owner.exceptions.AccessDeniedException):
        three.owner.delete_collaboration(collaborationIdentifier=three.id)
    assert "Membership Updated" in three.twin.events(OWNER)


def test_payments_are_accepted_as_assigned(owner, endpoint):
    pays = {"queryCompute": {"isResponsible": True}}
    made = create(owner, [MEMBERS[0], MEMBERS[1] | {"paymentConfiguration": pays}])
    other, runner = client(endpoint, OTHER), client(endpoint, RUNNER)
    for given in ({}, {"paymentConfiguration": {"queryCompute": {"isResponsible": False}}}):
        with pytest.raises(other.exceptions.ValidationException):
            other.create_membership(collaborationIdentifier=made["id"], queryLogStatus="ENABLED", **given)
    assert other.create_membership(collaborationIdentifier=made["id"], queryLogStatus="ENABLED", paymentConfiguration=pays)["membership"]["paymentConfiguration"] == pays
    with pytest.raises(runner.exceptions.ValidationException):
        runner.create_membership(collaborationIdentifier=made["id"], queryLogStatus="ENABLED", paymentConfiguration=pays)
    assert runner.create_membership(collaborationIdentifier=made["id"], queryLogStatus="ENABLED")["membership"]["paymentConfiguration"] == {"queryCompute": {"isResponsible": False}}


def test_the_runner_pays_where_nobody_is_named(three):
    by_account = {m["accountId"]: m for m in three.owner.list_members(collaborationIdentifier=three.id)["memberSummaries"]}
    assert {a: m["paymentConfiguration"]["queryCompute"]["isResponsible"] for a, m in by_account.items()} == {OWNER: False, RUNNER: True, OTHER: False}


def test_updates_of_a_membership(three):
    default = {"outputConfiguration": {"s3": {"resultFormat": "CSV", "bucket": "results"}}, "roleArn": f"arn:aws:iam::{OTHER}:role/writes-results"}
    other = three.clients[OTHER]
    found = other.update_membership(membershipIdentifier=three.member(OTHER), queryLogStatus="DISABLED", defaultResultConfiguration=default)["membership"]
    assert found["queryLogStatus"] == "DISABLED" and found["defaultResultConfiguration"] == default
    with pytest.raises(other.exceptions.ValidationException):
        other.update_membership(membershipIdentifier=three.member(OTHER), defaultResultConfiguration=default | {"roleArn": f"arn:aws:iam::{OWNER}:role/writes-results"})


def test_pages(owner, twin):
    made = [create(owner)["id"] for _ in range(5)]
    pages = list(owner.get_paginator("list_collaborations").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(p["collaborationList"]) for p in pages] == [2, 2, 1] and [c["id"] for p in pages for c in p["collaborationList"]] == made
    twin.set(page_size_max=1)
    assert len(list(owner.get_paginator("list_collaborations").paginate())) == 5
    with pytest.raises(owner.exceptions.ValidationException):
        owner.list_collaborations(nextToken="nonsense")


class TestChangeRequests:
    """Changes of members, approved by all."""

    GRANT = [{"specificationType": "MEMBER", "specification": {"member": {"accountId": OTHER, "memberAbilities": []}}}]
    ADD = [{"specificationType": "MEMBER", "specification": {"member": {"accountId": STRANGER, "memberAbilities": ["CAN_RECEIVE_RESULTS"], "displayName": "new"}}}]

    def ask(self, room, changes):
        return room.owner.create_collaboration_change_request(collaborationIdentifier=room.id, changes=changes)["collaborationChangeRequest"]

    def act(self, room, account, request, action):
        return room.clients[account].update_collaboration_change_request(collaborationIdentifier=room.id, changeRequestIdentifier=request["id"],
                                                                         action=action)["collaborationChangeRequest"]

    def test_all_approve_and_the_creator_commits(self, three):
        request = self.ask(three, self.GRANT)
        assert request["status"] == "PENDING" and request["changes"][0]["types"] == ["REVOKE_RECEIVE_RESULTS_ABILITY"]
        assert request["approvals"] == {OWNER: {"status": "APPROVED"}, RUNNER: {"status": "PENDING"}, OTHER: {"status": "PENDING"}}
        with pytest.raises(three.owner.exceptions.ConflictException):
            self.act(three, OWNER, request, "COMMIT")
        self.act(three, RUNNER, request, "APPROVE")
        assert self.act(three, OTHER, request, "APPROVE")["status"] == "APPROVED"
        for account in (RUNNER, OTHER):
            with pytest.raises(three.owner.exceptions.ClientError):
                self.act(three, account, request, "COMMIT")
        assert self.act(three, OWNER, request, "COMMIT")["status"] == "COMMITTED"
        assert three.clients[OTHER].get_membership(membershipIdentifier=three.member(OTHER))["membership"]["memberAbilities"] == []
        for action in ("COMMIT", "CANCEL"):
            with pytest.raises(three.owner.exceptions.ConflictException):
                self.act(three, OWNER, request, action)

    def test_one_denial_is_enough(self, three):
        request = self.ask(three, self.ADD)
        assert self.act(three, OTHER, request, "DENY")["status"] == "DENIED"
        with pytest.raises(three.runner.exceptions.ConflictException):
            self.act(three, RUNNER, request, "APPROVE")

    def test_cancelling(self, three):
        request = self.ask(three, self.ADD)
        with pytest.raises(three.runner.exceptions.AccessDeniedException):
            self.act(three, RUNNER, request, "CANCEL")
        assert self.act(three, OWNER, request, "CANCEL")["status"] == "CANCELLED"
        listed = three.runner.list_collaboration_change_requests(collaborationIdentifier=three.id, status="CANCELLED")
        assert [r["id"] for r in listed["collaborationChangeRequestSummaries"]] == [request["id"]]

    def test_a_new_member_is_invited(self, three, endpoint):
        request = self.ask(three, self.ADD)
        self.act(three, RUNNER, request, "APPROVE")
        self.act(three, OTHER, request, "APPROVE")
        new = client(endpoint, STRANGER)
        with pytest.raises(new.exceptions.AccessDeniedException):
            new.get_collaboration(collaborationIdentifier=three.id)
        self.act(three, OWNER, request, "COMMIT")
        assert new.create_membership(collaborationIdentifier=three.id, queryLogStatus="ENABLED")["membership"]["status"] == "ACTIVE"

    def test_auto_approval(self, twin, endpoint, store):
        room = Room(twin, endpoint, store, MEMBERS, autoApprovedChangeRequestTypes=["ADD_MEMBER"])
        request = self.ask(room, self.ADD)
        assert request["isAutoApproved"] and request["status"] == "COMMITTED" and "approvals" not in request
        assert self.ask(room, self.GRANT)["status"] == "PENDING"
        assert room.owner.get_collaboration(collaborationIdentifier=room.id)["collaboration"]["autoApprovedChangeTypes"] == ["ADD_MEMBER"]

    def test_what_cannot_be_asked_for(self, three):
        member = {"accountId": OTHER, "memberAbilities": ["CAN_QUERY"], "displayName": "x"}
        for wanted in (member, member | {"accountId": STRANGER}, {"accountId": OTHER, "memberAbilities": ["CAN_RECEIVE_RESULTS"]},
                       {"accountId": RUNNER, "memberAbilities": ["CAN_RECEIVE_RESULTS"]}, {"accountId": STRANGER, "memberAbilities": []}):
            with pytest.raises(three.owner.exceptions.ValidationException):
                self.ask(three, [{"specificationType": "MEMBER", "specification": {"member": wanted}}])
        with pytest.raises(three.runner.exceptions.AccessDeniedException):
            three.runner.create_collaboration_change_request(collaborationIdentifier=three.id, changes=self.ADD)

    def test_a_removed_account_by_either_switch(self, twin, endpoint, store):
        room = Room(twin, endpoint, store, MEMBERS, autoApprovedChangeRequestTypes=["ADD_MEMBER"])
        room.owner.delete_member(collaborationIdentifier=room.id, accountId=OTHER)
        again = [{"specificationType": "MEMBER", "specification": {"member": {"accountId": OTHER, "memberAbilities": [], "displayName": "again"}}}]
        twin.set(readd_removed="refuse")
        with pytest.raises(room.owner.exceptions.ValidationException):
            self.ask(room, again)
        twin.set(readd_removed="accept")
        self.ask(room, again)
        assert statuses(room.owner, room.id)[OTHER] == "INVITED"
