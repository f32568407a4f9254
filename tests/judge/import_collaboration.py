#!/usr/bin/env python3
"""Reads data clean rooms of Snowflake into agreements, as the twin of Snowflake speaks it: what Airlock made comes back and nothing is left to
do, what hands made is described as it lies, and whatever is not said is named.

    import_collaboration.py [--airlock PATH] [--only SCENE] [--keep DIR] [--allow-not-run]

Each scene's collaboration is made by a gateway or by calls of administrators; what was imported is checked, agreed and planned by another
gateway. Must not know how anything is imported. The twin is ours: it is no proof about Snowflake.
"""

import json
import sys

sys.dont_write_bytecode = True

import playing  # noqa: E402
from clean_room import call  # noqa: E402
from import_shares import MEMBERS, NAME, Shares  # noqa: E402

HAND = "reach_by_hand"


class Rooms(Shares):
    """A scene of shares, played in a data clean room."""

    room, option = "snowflake-dcr", "--collaboration"

    def named(self):
        """The collaborations that the runner's account lists."""
        rows = self.snow.sql(MEMBERS["media"], call("COLLABORATION.VIEW_COLLABORATIONS"))
        return [row["SOURCE_NAME"] or row["COLLABORATION_NAME"] for row in rows]

    def calls(self, member, procedure, *words):
        """A call by a member's administrator; a word that is no text or list is a spec."""
        self.snow.sql(MEMBERS[member], call(procedure, *(json.dumps({"api_version": "2.0.0"} | word) if isinstance(word, dict) else word for word in words)))


def made_here(scene):
    """What Airlock made comes back whole, and another gateway has nothing to do under it; a view that hands changed since is not believed."""
    scene.agree()
    names = scene.named()
    scene.same("collaborations", len(names), 1)
    file, report = scene.bring(*names)
    scene.whole(file, report)
    schema = "AIRLOCK.AIRLOCK$SPRING$REGISTERED"
    view = scene.snow.sql(MEMBERS["shop"], f"SHOW VIEWS IN SCHEMA {schema}")[0]["name"]
    scene.snow.sql(MEMBERS["shop"], f'CREATE OR REPLACE SECURE VIEW {schema}."{view}" AS SELECT MAIL AS "person", SEGMENT AS "segment" FROM SCENES.PUBLIC.CUSTOMERS')
    _, report = scene.bring(*names)
    told = {code for code, _ in scene.codes(report)}
    scene.same("after hands changed it", (report["is_own"], report["datasets"], report["templates"], {"view-differs", "template-refused", "made-anew"} - told), (False, 1, 0, set()))


def by_hand(scene):
    """What hands made is the offered table itself; its threshold, which stands in a text, is not made up in silence; the plan says that it is open wider, and the statement that it prints closes it."""
    scene.calls("shop", "REGISTRY.REGISTER_DATA_OFFERING", {"spec_type": "data_offering", "name": "buyers", "version": "v1", "datasets": [
        {"alias": "buyers", "data_object_fqn": "SCENES.PUBLIC.CUSTOMERS", "allowed_analyses": "template_only", "schema_and_template_policies": {"MAIL": {"category": "join_custom"}, "SEGMENT": {"category": "passthrough"}}}]})
    scene.calls("media", "REGISTRY.REGISTER_TEMPLATE", {"spec_type": "template", "name": "sizes", "version": "v1", "type": "sql_analysis",
                                                        "template": "SELECT SEGMENT, COUNT(*) AS N FROM IDENTIFIER({{ source_table[0] }}) GROUP BY SEGMENT HAVING COUNT(*) >= 5"})
    scene.calls("media", "COLLABORATION.INITIALIZE", {"spec_type": "collaboration", "name": HAND, "owner": "them", "collaborator_identifier_aliases": {"them": MEMBERS["media"], "us": MEMBERS["shop"]},
                                                      "analysis_runners": {"them": {"data_providers": {"us": {"data_offerings": []}}, "templates": [{"id": "sizes_v1"}]}}})
    scene.calls("media", "COLLABORATION.JOIN", HAND)
    scene.calls("shop", "COLLABORATION.REVIEW", HAND, MEMBERS["media"])
    scene.calls("shop", "COLLABORATION.JOIN", HAND)
    scene.calls("shop", "COLLABORATION.LINK_DATA_OFFERING", HAND, "buyers_v1", ["them"])
    asked = call("COLLABORATION.RUN", HAND, "sizes_v1", ["us.buyers_v1.buyers"], [], {})
    scene.same("rows by hand", scene.reads(asked), True)
    file, report = scene.bring(HAND)
    name = report["collaboration"]
    scene.same("called", (name, report["datasets"], report["templates"], report["is_own"]), ("reach-by-hand", 1, 0, False))
    scene.same("not in the agreement", scene.codes(report), [("made-anew", f"collaboration {HAND}"), ("template-unheard", "template sizes_v1"), ("threshold-unread", "table SCENES.PUBLIC.CUSTOMERS")])
    scene.same("what lets more happen", {one["code"] for one in report["unexpressed"] if one["wider"]}, {"made-anew", "template-unheard", "threshold-unread"})
    for said in ("SCENES.PUBLIC.CUSTOMERS", "entities_min: 100", "entity: mail", "segment: { from: SEGMENT, type: utf8, use: dimension }"):
        scene.same(f"says {said}", said in report["document"], True)
    scene.second.settle(file, name, list(MEMBERS))
    scene.waive(scene.second, name)
    scene.closed_as_told(name, asked)


SCENES = (made_here, by_hand)


if __name__ == "__main__":
    sys.exit(playing.main("import-collaboration", __doc__, SCENES, Rooms))
