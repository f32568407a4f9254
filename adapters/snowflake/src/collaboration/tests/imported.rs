//! What an import reads of collaborations in the twin: what the room made comes back and nothing is left to do under it; what hands
//! made is described as it lies. Nothing is written by it.

use super::twin::Stage;
use super::{agreement, member};
use crate::import::Import;
use crate::twin::{CONSUMER, PROVIDER, Twin};
use adapter_spi::{Cx, Desired, Imported, Scope};
use mappings::model::{Dataset, DatasetName, PlatformId};
use std::sync::Arc;

async fn brought(stage: &Stage, name: &str) -> Imported {
    let members = [("provider", PROVIDER), ("analyst", CONSUMER)];
    let ask = Import {
        named: vec![name.to_owned()],
        accounts: members.map(|(name, at)| (member(name), at.to_owned())).into(),
        ..Import::default()
    };
    let before = stage.twin.statements("").await.len();
    let imported = stage.adapter.import(&ask, &Cx::default()).await.unwrap();
    for one in &stage.twin.statements("").await[before..] {
        let text = one["text"].as_str().unwrap();
        let reads = ["SHOW ", "DESC ", "SELECT "].iter().any(|word| text.starts_with(word));
        assert!(reads || text.contains(".VIEW_") || text.contains(".GET_STATUS"), "{text}");
    }
    imported
}

fn codes(imported: &Imported) -> Vec<&'static str> {
    imported.unexpressed.iter().map(|one| one.code).collect()
}

#[tokio::test]
async fn what_the_room_made_comes_back_and_nothing_is_left_to_do() {
    let Some(stage) = Stage::set().await else { return };
    let known = agreement("suite-import", 1);
    let (scope, whole) = (Scope::of(&known), Desired::whole(Arc::clone(&known)));
    stage.converge(&scope, &whole).await;
    let all = crate::collaboration::wanted::wanted(&whole);
    let name = all.rooms.values().next().unwrap().base.clone();
    let imported = brought(&stage, &name).await;
    assert_eq!((codes(&imported), imported.is_own), (Vec::new(), true));
    let found = Arc::new(imported.agreement);
    let here = |(name, dataset): (&DatasetName, &Dataset)| {
        let mut here = dataset.clone();
        here.at.retain(|room, _| *room == PlatformId::snowflake_dcr());
        (name.clone(), here)
    };
    let same = known.datasets.iter().map(here).collect();
    assert_eq!((&found.datasets, &found.templates), (&same, &known.templates));
    let scope = Scope::of(&found);
    for desired in [Desired::whole(Arc::clone(&found)), whole] {
        let plan = stage.plan(&scope, &desired).await;
        assert!(plan.is_settled() && plan.steps.is_empty() && plan.waiting.is_empty(), "{plan:?}");
    }
    // Under a view that hands changed nothing is believed.
    let schema = "AIRLOCK.AIRLOCK$SUITE_IMPORT$REGISTERED";
    let view = &all.offerings[&"orders".parse().unwrap()].view;
    let other = format!(
        "CREATE OR REPLACE SECURE VIEW {schema}.\"{view}\" AS SELECT \"spent\" AS \"measured\", \"email_sha256\" AS \"person\" FROM SUITE.PUBLIC.ORDERS"
    );
    stage.twin.sql(PROVIDER, &[&other]).await;
    let changed = brought(&stage, &name).await;
    let told = codes(&changed);
    assert!(told.contains(&"view-differs") && told.contains(&"template-refused"), "{told:?}");
    assert!(!changed.is_own && changed.agreement.templates.is_empty());
}

async fn call(twin: &Twin, account: &str, procedure: &str, words: &str) {
    let text = format!("CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.{procedure}({words})");
    twin.sql(account, &[&text]).await;
}

#[tokio::test]
async fn what_hands_made_is_the_offered_thing_and_its_threshold_is_not_made_up_in_silence() {
    let Some(stage) = Stage::set().await else { return };
    let (twin, json) = (&stage.twin, r#""api_version": "2.0.0", "spec_type""#);
    let offering = format!(
        r#"'{{{json}: "data_offering", "name": "buyers", "version": "v1", "datasets": [{{"alias": "buyers", "data_object_fqn": "SUITE.PUBLIC.ORDERS", "allowed_analyses": "template_only", "schema_and_template_policies": {{"\\"email_sha256\\"": {{"category": "join_custom"}}, "\\"spent\\"": {{"category": "passthrough"}}}}}}]}}'"#
    );
    let template = format!(
        r#"'{{{json}: "template", "name": "big", "version": "v1", "type": "sql_analysis", "template": "SELECT COUNT(*) AS N FROM IDENTIFIER({{{{ source_table[0] }}}}) HAVING COUNT(*) >= 5"}}'"#
    );
    call(twin, PROVIDER, "REGISTRY.REGISTER_DATA_OFFERING", &offering).await;
    call(twin, CONSUMER, "REGISTRY.REGISTER_TEMPLATE", &template).await;
    let room = format!(
        r#"'{{{json}: "collaboration", "name": "by_hand", "owner": "them", "collaborator_identifier_aliases": {{"them": "{CONSUMER}", "us": "{PROVIDER}"}}, "analysis_runners": {{"them": {{"data_providers": {{"us": {{"data_offerings": []}}}}, "templates": [{{"id": "big_v1"}}]}}}}}}'"#
    );
    call(twin, CONSUMER, "COLLABORATION.INITIALIZE", &room).await;
    call(twin, CONSUMER, "COLLABORATION.JOIN", "'by_hand'").await;
    call(twin, PROVIDER, "COLLABORATION.REVIEW", &format!("'by_hand', '{CONSUMER}'")).await;
    call(twin, PROVIDER, "COLLABORATION.JOIN", "'by_hand'").await;
    let link = "'by_hand', 'buyers_v1', ['them']";
    call(twin, PROVIDER, "COLLABORATION.LINK_DATA_OFFERING", link).await;
    let imported = brought(&stage, "by_hand").await;
    assert_eq!(codes(&imported), ["made-anew", "template-unheard", "threshold-unread"]);
    assert!(imported.unexpressed.iter().all(|one| one.wider) && !imported.is_own);
    let agreement = Arc::new(imported.agreement);
    let dataset = &agreement.datasets[&"buyers".parse().unwrap()];
    assert_eq!((dataset.entity.as_str(), dataset.rule.entities_min), ("email_sha256", 100));
    let (scope, desired) = (Scope::of(&agreement), Desired::whole(Arc::clone(&agreement)));
    let plan = stage.plan(&scope, &desired).await;
    assert!(plan.steps.is_empty() && plan.refused.is_none(), "{plan:?}");
    let [told] = plan.waiting.as_slice() else { panic!("{plan:?}") };
    assert!(told.what.contains("open wider than agreed"), "{told:?}");
}
