//! What is exported can be read by what it is for, names everything that is needed, and keeps its text from the shell.

use super::*;
use mappings::model::Agreement;
use std::sync::Arc;

fn desired() -> Desired {
    let document = adapter_spi::suite::agreement(&PlatformId::aws_clean_rooms(), "suite-export", 1);
    let agreement: Agreement = serde_json::from_value(document).unwrap();
    Desired::whole(Arc::new(agreement))
}

fn exported(member: &str, form: Form) -> String {
    export(&desired(), &member.parse().unwrap(), &Connections::default(), form)
}

#[test]
fn a_runner_makes_the_collaboration_its_table_and_the_template() {
    let document: Value = serde_json::from_str(&exported("analyst", Form::CloudFormation)).unwrap();
    let kinds: BTreeSet<&str> = document["Resources"]
        .as_object()
        .unwrap()
        .values()
        .map(|one| one["Type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds.len(), 6);
    let parameters: Vec<&String> = document["Parameters"].as_object().unwrap().keys().collect();
    assert_eq!(parameters, ["AssociationPeopleAnalystBudgeted", "DataRole"]);
    let table = &document["Resources"]["TablePeople"]["Properties"];
    let custom = &table["AnalysisRules"][0]["Policy"]["V1"]["Custom"];
    let template = custom["AllowedAnalyses"][0]["Fn::GetAtt"][0].as_str().unwrap();
    assert!(document["Resources"][template]["Properties"]["Source"]["Text"].is_string());
    assert_eq!(custom["AggregationThresholds"][0]["MinimumIdentityCount"], 11);
}

#[test]
fn an_owner_takes_what_the_runner_made_as_parameters() {
    let document: Value = serde_json::from_str(&exported("provider", Form::Terraform)).unwrap();
    let variables: Vec<&String> = document["variable"].as_object().unwrap().keys().collect();
    assert!(variables.contains(&&"collaboration_analyst".to_owned()), "{variables:?}");
    assert!(variables.iter().any(|name| name.starts_with("template_overlap")), "{variables:?}");
    let tables = &document["resource"]["awscc_cleanrooms_configured_table"]["table_orders"];
    assert_eq!(tables["table_reference"]["glue"]["table_name"], "orders");
    assert_eq!(tables["tags"][0]["key"], "airlock:collaboration");
}

#[test]
fn a_script_is_one_that_a_shell_reads_and_expands_nothing_else() {
    for member in ["provider", "analyst"] {
        let script = exported(member, Form::Cli);
        let mut shell = std::process::Command::new("sh");
        let status = shell.arg("-n").arg("-c").arg(&script).status().unwrap();
        assert!(status.success(), "{script}");
        // Backquotes of the text are kept from the shell.
        assert!(!script.replace("\\`", "").contains('`'), "{script}");
    }
    assert!(exported("analyst", Form::Cli).contains("REGEXP_SUBSTR(\\`email_sha256\\`"));
}
