//! One reason each, beside what would have passed.

use super::{BASE, codes, one, read, with};

#[test]
fn names_must_refer_to_something() {
    one(
        "unknown-reference",
        "datasets.shoppers.owner",
        &with("owner: grocer", "owner: grosser"),
        BASE,
    );
    one(
        "unknown-reference",
        "datasets.shoppers.entity",
        &with("entity: person", "entity: persn"),
        BASE,
    );
    let nearest = one(
        "unknown-reference",
        "templates.ages.run_by.1",
        &with("run_by: [brand]", "run_by: [brand, brnd]"),
        BASE,
    );
    assert_eq!(nearest.help, "did you mean `brand`?");
    one(
        "unknown-reference",
        "destinations.nobody",
        &format!("{BASE}  nobody: /results/nobody\n"),
        &format!("{BASE}  grocer: /results/grocer\n"),
    );
    let rule = |more: &str| with("join: required }", &format!("join: required, {more} }}"));
    one(
        "unknown-reference",
        "datasets.shoppers.rule.receivers.0",
        &rule("receivers: [nobody]"),
        &rule("receivers: [brand]"),
    );
    one(
        "unknown-reference",
        "datasets.shoppers.rule.activation.to.0",
        &rule("activation: { to: [nobody] }"),
        &rule("activation: { to: [brand] }"),
    );
}

#[test]
fn a_refused_declaration_still_declares_its_name() {
    assert_eq!(
        codes(&with("{ name: Brand, abilities: [contribute, run, receive] }", "17")),
        ["wrong-type"]
    );
    assert_eq!(codes(&with("use: match", "use: mtch")), ["unknown-word"]);
}

#[test]
fn identifiers_have_a_shape() {
    let shown = one(
        "bad-identifier",
        "collaboration",
        &with("collaboration: spring", "collaboration: Spring"),
        BASE,
    );
    assert_eq!(shown.message, "`Spring` is no name for a collaboration");
    let hidden = one(
        "bad-identifier",
        "collaboration",
        &with("collaboration: spring", "collaboration: 'a b'"),
        BASE,
    );
    assert_eq!(hidden.message, "this name is no name for a collaboration");
    one("bad-identifier", "datasets.shoppers.columns.Age", &with("age: {", "Age: {"), BASE);
}

#[test]
fn names_that_the_emitted_text_needs_are_kept() {
    for name in ["airlock_x", "airlock"] {
        one(
            "reserved-name",
            &format!("datasets.{name}"),
            &with("  shoppers:\n", &format!("  {name}:\n")),
            &with("  shoppers:\n", "  airline:\n"),
        );
        let path = format!("datasets.shoppers.columns.{name}");
        one(
            "reserved-name",
            &path,
            &with("age: {", &format!("{name}: {{")),
            &with("age: {", "room: {"),
        );
    }
    one(
        "reserved-name",
        "datasets.room",
        &with("  shoppers:\n", "  room:\n"),
        &with("  shoppers:\n", "  rooms:\n"),
    );
}

#[test]
fn the_privacy_unit_is_a_match_column() {
    one(
        "entity-not-match",
        "datasets.shoppers.entity",
        &with("entity: person", "entity: age"),
        BASE,
    );
}

#[test]
fn abilities_are_needed() {
    let grocer = |abilities: &str| {
        with("abilities: [contribute] }", &format!("abilities: [{abilities}] }}"))
    };
    one(
        "owner-cannot-contribute",
        "datasets.shoppers.owner",
        &grocer("pay"),
        &grocer("pay, contribute"),
    );
    let two = format!(
        "{}  grocer: /results/grocer\n",
        with("received_by: [brand]", "received_by: [brand, grocer]")
    );
    let able = two.replace("abilities: [contribute] }", "abilities: [contribute, receive] }");
    one("receiver-cannot-receive", "templates.ages.received_by.1", &two, &able);
    one(
        "runner-cannot-run",
        "templates.ages.run_by.0",
        &with("run_by: [brand]", "run_by: [grocer]"),
        BASE,
    );
    let activation = with("join: required }", "join: required, activation: { to: [grocer] } }");
    let able =
        activation.replace("abilities: [contribute] }", "abilities: [contribute, receive] }");
    one("activation-to", "datasets.shoppers.rule.activation.to.0", &activation, &able);
}

#[test]
fn results_have_a_place_apart() {
    let place = |text: &str| with("file:///results/brand", text);
    let path = "destinations.brand";
    for bad in
        ["https://x/y", "s3://key@bucket/x", "file://host/x", "/a/../b", "s3://bucket/%2e%2e/x"]
    {
        one("destination-scheme", path, &place(bad), &place("s3://bucket/x"));
    }
    for bad in [
        "/data/shoppers.parquet",
        "file:///data",
        "/",
        "file:///data/./shoppers.parquet/out",
        "/DATA//Shoppers.parquet/",
    ] {
        one("destination-is-source", path, &place(bad), &place("/data2/shoppers.parquet"));
    }
}

#[test]
fn places_are_compared_in_one_form() {
    let place = |text: &str| with("file:///results/brand", text);
    let path = "destinations.brand";
    // Escapes in a file URL are the characters they stand for.
    let spaced = with("file:///data/shoppers.parquet", "file:///my%20data/x.parquet");
    let out = |to: &str| spaced.replace("file:///results/brand", to);
    one("destination-is-source", path, &out("/my data"), &out("file:///my%20results"));
    one("destination-is-source", path, &out("file:///m%79%20data"), &out("/my results"));
    for bad in [
        "file:///a%2fb",
        "file:///a/%2e%2e/b",
        "file:///a%0ab",
        "file:///a%zz",
        "file:///a%f",
        "/a%20b",
    ] {
        one("destination-scheme", path, &place(bad), BASE);
    }
    let s3 = with("file:///data/shoppers.parquet", "s3://bucket/clean/shoppers/");
    one(
        "destination-is-source",
        path,
        &s3.replace("file:///results/brand", "s3://bucket/clean"),
        &s3.replace("file:///results/brand", "s3://bucket/clean2"),
    );
    let near = with("file:///data/shoppers.parquet", "data/shoppers.parquet");
    one(
        "destination-is-source",
        path,
        &near.replace("file:///results/brand", "/srv/data/shoppers.parquet/x"),
        &near,
    );
    let shared = format!("{BASE}  grocer: /results/brand/grocer\n");
    one(
        "destination-shared",
        "destinations.grocer",
        &shared,
        &shared.replace("brand/grocer", "grocer"),
    );
    assert_eq!(
        codes(&with("destinations:\n  brand: file:///results/brand\n", "")),
        ["destination-missing"]
    );
}

#[test]
fn every_room_is_where_residency_allows() {
    let aws = |room: &str| {
        with("rooms: [native]", &format!("rooms: [native, {room}]"))
            .replace("[local]", "[local, eu-central-1]")
    };
    let inside = aws("{ platform: aws-clean-rooms, region: eu-central-1 }");
    one("residency", "rooms.1", &aws("{ platform: aws-clean-rooms, region: us-east-1 }"), &inside);
    one(
        "residency",
        "rooms.1",
        &aws("snowflake"),
        &aws("{ platform: snowflake, region: eu-central-1 }"),
    );
    one("residency", "rooms.0", &with("residency: [local]", "residency: [eu-central-1]"), BASE);
    let anywhere = aws("snowflake").replace("residency: [local, eu-central-1]\n", "");
    assert!(read(&anywhere).is_ok());
}

#[test]
fn datasets_lie_where_a_room_is() {
    let at = |text: &str| with("{ native: file:///data/shoppers.parquet }", text);
    let path = "datasets.shoppers.at";
    let snow = at("{ native: /x.parquet, snowflake: A.B.C }");
    let room =
        snow.replace("rooms: [native]", "rooms: [native, { platform: snowflake, region: local }]");
    one("no-room", &format!("{path}.snowflake"), &snow, &room);
    one("location", &format!("{path}.snowflake"), &room.replace("A.B.C", "A.B"), &room);
    let dcr = room.replace("snowflake", "snowflake-dcr");
    one("location", &format!("{path}.snowflake-dcr"), &dcr.replace("A.B.C", "A.B"), &dcr);
    one("no-location", path, &at("{}"), &at("{ native: s3://bucket/x.parquet }"));
    for bad in ["ftp://x/y", "/x/*.parquet", "../x.parquet", "memory://x"] {
        one(
            "location",
            &format!("{path}.native"),
            &at(&format!("{{ native: '{bad}' }}")),
            &at("{ native: data/x.parquet }"),
        );
    }
    one(
        "unknown-platform",
        &format!("{path}.snowflak"),
        &at("{ native: /x, snowflak: A.B.C }"),
        &at("{ native: /x }"),
    );
    assert!(codes(&with("rooms: [native]", "rooms: []")).contains(&"no-room"));
}

#[test]
fn parameters_accept_their_own_defaults() {
    let week = |text: &str| with("type: int64, min: 1, max: 53", text);
    let path = "templates.ages.parameters.week";
    one("parameter-bounds", &format!("{path}.max"), &week("type: int64, min: 9, max: 1"), BASE);
    one(
        "parameter-bounds",
        &format!("{path}.default"),
        &week("type: int64, max: 5, default: 6"),
        &week("type: int64, max: 5, default: 5"),
    );
    one(
        "parameter-bounds",
        &format!("{path}.default"),
        &week("type: utf8, values: [a], default: b"),
        &week("type: utf8, values: [a], default: a"),
    );
    one(
        "parameter-bounds",
        &format!("{path}.values"),
        &week("type: date, min: 2024-01-01, values: [2023-12-31]"),
        &week("type: date, min: 2024-01-01, values: [2024-01-01]"),
    );
    one("parameter-type", &format!("{path}.type"), &week("type: binary"), &week("type: boolean"));
}

#[test]
fn templates_are_measured() {
    let sql = "SELECT age, COUNT(DISTINCT person) AS people FROM shoppers GROUP BY age";
    let long = |n: usize| with(sql, &"x".repeat(n));
    one("template-too-long", "templates.ages.sql", &long(65_537), &long(65_536));
    one("template-empty", "templates.ages.sql", &with(sql, "' '"), BASE);
    one("empty-list", "templates.ages.run_by", &with("run_by: [brand]", "run_by: []"), BASE);
}

#[test]
fn rules_and_limits_have_ranges() {
    let rule = |text: &str| with("rule: { entities_min: 50, join: required }", text);
    let path = "datasets.shoppers.rule";
    one(
        "out-of-range",
        &format!("{path}.entities_min"),
        &rule("rule: { entities_min: 0 }"),
        &rule("rule: { entities_min: 1 }"),
    );
    one(
        "out-of-range",
        &format!("{path}.entities_min"),
        &rule("rule: { entities_min: 1000001 }"),
        &rule("rule: { entities_min: 1000000 }"),
    );
    let audience = |n: u32| {
        rule(&format!(
            "rule: {{ entities_min: 500, activation: {{ to: [brand], audience_min: {n} }} }}"
        ))
    };
    one(
        "audience-below-entities",
        &format!("{path}.activation.audience_min"),
        &audience(499),
        &audience(500),
    );
    one(
        "empty-list",
        &format!("{path}.activation.to"),
        &rule("rule: { activation: { to: [] } }"),
        &rule("rule: { activation: { to: [brand] } }"),
    );
    let limits = |text: &str| format!("{BASE}limits: {{ {text} }}\n");
    one("out-of-range", "limits.runs_max", &limits("runs_max: 0"), &limits("runs_max: 1"));
    for bad in ["0s", "24", "h", "1w", "-1h", "367d", "1.5h"] {
        one(
            "bad-duration",
            "limits.within",
            &limits(&format!("within: '{bad}'")),
            &limits("within: 366d"),
        );
    }
    for (text, seconds) in [("24h", 86_400), ("30m", 1800), ("7d", 604_800), ("90s", 90)] {
        assert_eq!(read(&limits(&format!("within: {text}"))).unwrap().limits.within_s, seconds);
    }
}

#[test]
fn a_rule_left_out_is_the_strict_one() {
    let agreement = read(&with("    rule: { entities_min: 50, join: required }\n", "")).unwrap();
    let rule = &agreement.datasets.values().next().unwrap().rule;
    assert_eq!((rule.entities_min, rule.join), (100, crate::model::JoinRule::Required));
    assert!(rule.activation.is_none());
    let text = with("entities_min: 50", "entities_min: 5000, activation: { to: [brand] }");
    let agreement = read(&text).unwrap();
    let rule = &agreement.datasets.values().next().unwrap().rule;
    assert_eq!(rule.activation.as_ref().unwrap().audience_min, 5000);
}

#[test]
fn members_are_pinned_by_texts() {
    let grocer = |more: &str| with("name: Grocer,", &format!("name: Grocer, {more},"));
    let quoted = grocer("identity: { aws-clean-rooms: '111111111111' }");
    let number = one(
        "wrong-type",
        "members.grocer.identity.aws-clean-rooms",
        &grocer("identity: { aws-clean-rooms: 111111111111 }"),
        &quoted,
    );
    assert_eq!(number.help, "put it in quotes");
    one(
        "unknown-platform",
        "members.grocer.identity.azure",
        &grocer("identity: { azure: x }"),
        &quoted,
    );
    let hex = "ab".repeat(32);
    one(
        "bad-key",
        "members.grocer.key",
        &grocer("key: ed25519:ab"),
        &grocer(&format!("key: 'ed25519:{hex}'")),
    );
    one(
        "duplicate-value",
        "members.brand.abilities.1",
        &with("[contribute, run, receive]", "[run, run, receive]"),
        BASE,
    );
}

#[test]
fn two_owners_never_offer_one_place_and_a_raw_key_has_no_other_name() {
    let mine = |owner: &str, place: &str| {
        with(
            "templates:",
            &format!(
                "  mine:\n    owner: {owner}\n    at: {{ native: {place} }}\n    entity: person\n    columns:\n      person: {{ from: id, type: int64, use: match, key: household-id }}\n    rule: {{ entities_min: 1 }}\ntemplates:"
            ),
        )
    };
    for place in ["file:///data/shoppers.parquet", "file:///data", "/data/shoppers.parquet/x"] {
        one(
            "place-of-another",
            "datasets.shoppers.at.native",
            &mine("brand", place),
            &mine("grocer", place),
        );
    }
    let column = |text: &str| with("age: { type: utf8, use: dimension }", text);
    let fine = column("age: { type: utf8, use: dimension }");
    let shown = column(
        "age: { type: utf8, use: dimension }\n      raw: { from: mail, type: utf8, use: dimension }",
    );
    one("match-key-shown", "datasets.shoppers.columns.raw", &shown, &fine);
    let named = column(
        "age: { type: utf8, use: dimension }\n      person__email: { type: utf8, use: filter }",
    );
    one("name-reserved", "datasets.shoppers.columns.person__email", &named, &fine);
}
