//! The three forms of a list of things to make. Must not know agreements.

use super::{Kind, Made};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

impl Kind {
    const fn cloudformation(self) -> &'static str {
        match self {
            Self::Collaboration => "AWS::CleanRooms::Collaboration",
            Self::Membership => "AWS::CleanRooms::Membership",
            Self::Table => "AWS::CleanRooms::ConfiguredTable",
            Self::Association => "AWS::CleanRooms::ConfiguredTableAssociation",
            Self::Template => "AWS::CleanRooms::AnalysisTemplate",
            Self::Budget => "AWS::CleanRooms::PrivacyBudgetTemplate",
        }
    }

    const fn terraform(self) -> &'static str {
        match self {
            Self::Collaboration => "awscc_cleanrooms_collaboration",
            Self::Membership => "awscc_cleanrooms_membership",
            Self::Table => "awscc_cleanrooms_configured_table",
            Self::Association => "awscc_cleanrooms_configured_table_association",
            Self::Template => "awscc_cleanrooms_analysis_template",
            Self::Budget => "awscc_cleanrooms_privacy_budget_template",
        }
    }

    /// The attribute that others refer to.
    const fn attribute(self) -> &'static str {
        match self {
            Self::Collaboration => "CollaborationIdentifier",
            Self::Membership => "MembershipIdentifier",
            Self::Table => "ConfiguredTableIdentifier",
            Self::Association => "ConfiguredTableAssociationIdentifier",
            Self::Template => "Arn",
            Self::Budget => "PrivacyBudgetTemplateIdentifier",
        }
    }

    /// The CLI's verb and where the answer has what others refer to.
    const fn cli(self) -> (&'static str, &'static str) {
        match self {
            Self::Collaboration => ("create-collaboration", "collaboration.id"),
            Self::Membership => ("create-membership", "membership.id"),
            Self::Table => ("create-configured-table", "configuredTable.id"),
            Self::Association => {
                ("create-configured-table-association", "configuredTableAssociation.id")
            }
            Self::Template => ("create-analysis-template", "analysisTemplate.arn"),
            Self::Budget => ("create-privacy-budget-template", "privacyBudgetTemplate.id"),
        }
    }
}

/// The name that a value refers to.
fn referred(value: &Value) -> Option<&str> {
    value.as_object().filter(|all| all.len() == 1)?.get("$ref")?.as_str()
}

/// Every name that is referred to and not made here.
fn parameters(made: &[Made]) -> BTreeSet<String> {
    fn walk(value: &Value, found: &mut BTreeSet<String>) {
        if let Some(name) = referred(value) {
            found.insert(name.to_owned());
            return;
        }
        match value {
            Value::Array(all) => all.iter().for_each(|one| walk(one, found)),
            Value::Object(all) => all.values().for_each(|one| walk(one, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut found = BTreeSet::new();
    for one in made {
        walk(&one.properties, &mut found);
    }
    let made: BTreeSet<&str> = made.iter().map(|one| one.logical.as_str()).collect();
    found.into_iter().filter(|name| !made.contains(name.as_str())).collect()
}

/// A value with other names of keys and references; tags as a list, where the form wants one.
fn said(
    value: &Value,
    key: &dyn Fn(&str) -> String,
    reference: &dyn Fn(&str) -> Value,
    listed: bool,
) -> Value {
    if let Some(name) = referred(value) {
        return reference(name);
    }
    match value {
        Value::Array(all) => all.iter().map(|one| said(one, key, reference, listed)).collect(),
        Value::Object(all) => {
            let mut out = Map::new();
            for (name, one) in all {
                let one = match (name.as_str(), listed) {
                    ("tags", true) => {
                        let tags = one.as_object().into_iter().flatten();
                        let tags: BTreeMap<_, _> = tags.collect();
                        let tag = |(tag, value)| json!({ key("key"): tag, key("value"): value });
                        tags.into_iter().map(tag).collect()
                    }
                    ("tags", false) => one.clone(),
                    _ => said(one, key, reference, listed),
                };
                out.insert(key(name), one);
            }
            Value::Object(out)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn pascal(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

/// In the order of names, whatever else is built with it: some packages have maps keep the order in which they were filled.
fn printed(document: &Value) -> String {
    let mut document = document.clone();
    document.sort_all_objects();
    serde_json::to_string_pretty(&document).unwrap_or_default()
}

/// A `CloudFormation` template.
pub(super) fn cloudformation(made: &[Made]) -> String {
    let reference = |name: &str| match made.iter().find(|one| one.logical == name) {
        Some(one) => json!({ "Fn::GetAtt": [name, one.kind.attribute()] }),
        None => json!({ "Ref": name }),
    };
    let resources: Map<String, Value> = made
        .iter()
        .map(|one| {
            let properties = said(&one.properties, &pascal, &reference, true);
            let resource = json!({ "Type": one.kind.cloudformation(), "Properties": properties });
            (one.logical.clone(), resource)
        })
        .collect();
    let parameters: Map<String, Value> =
        parameters(made).into_iter().map(|name| (name, json!({ "Type": "String" }))).collect();
    printed(&json!({
        "AWSTemplateFormatVersion": "2010-09-09", "Parameters": parameters, "Resources": resources,
    }))
}

/// Terraform in JSON.
pub(super) fn terraform(made: &[Made]) -> String {
    let reference = |name: &str| {
        let found = made.iter().find(|one| one.logical == name);
        Value::from(match found {
            Some(one) => format!(
                "${{{}.{}.{}}}",
                one.kind.terraform(),
                snake(name),
                snake(one.kind.attribute())
            ),
            None => format!("${{var.{}}}", snake(name)),
        })
    };
    let mut resources: Map<String, Value> = Map::new();
    for one in made {
        let properties = said(&one.properties, &snake, &reference, true);
        let kind = resources.entry(one.kind.terraform()).or_insert_with(|| json!({}));
        if let Some(kind) = kind.as_object_mut() {
            kind.insert(snake(&one.logical), properties);
        }
    }
    let variables: Map<String, Value> = parameters(made)
        .into_iter()
        .map(|name| (snake(&name), json!({ "type": "string" })))
        .collect();
    printed(&json!({
        "terraform": { "required_providers": { "awscc": { "source": "hashicorp/awscc" } } },
        "variable": variables, "resource": resources,
    }))
}

/// A script of AWS CLI commands, which stops at the first that fails. Rules come last: they name what was made before, and only
/// they give access.
pub(super) fn cli(made: &[Made], region: &str) -> String {
    let mut script =
        format!("#!/bin/sh\nset -eu\nexport AWS_REGION={region} AWS_DEFAULT_REGION={region}\n");
    for name in parameters(made).into_iter().filter(|name| !name.ends_with("Budgeted")) {
        let _ = writeln!(script, ": \"${{{name}:?what another member's part gives}}\"");
    }
    let mut rules_last = String::new();
    for one in made {
        let mut properties = one.properties.clone();
        let rules = properties.as_object_mut().and_then(|all| {
            all.remove("analysisRules")
                .or_else(|| all.remove("configuredTableAssociationAnalysisRules"))
        });
        let (verb, answer) = one.kind.cli();
        let input = spoken(&properties);
        let name = &one.logical;
        let _ = writeln!(
            script,
            "{name}=$(aws cleanrooms {verb} --query {answer} --output text --cli-input-json \"$(cat <<END\n{input}\nEND\n)\")"
        );
        let rule =
            rules.as_ref().and_then(|rules| rules.get(0)).and_then(|rule| rule.get("policy"));
        if let Some(policy) = rule {
            let _ = writeln!(rules_last, "{}", rule_of(one, policy));
        }
        if one.kind == Kind::Association {
            let membership = one.properties.get("membershipIdentifier").and_then(referred);
            let membership = membership.unwrap_or_default();
            let _ = writeln!(
                script,
                "{name}Budgeted=\"arn:aws:cleanrooms:$AWS_REGION:$(aws sts get-caller-identity --query Account --output text):membership/${membership}/configuredtableassociation/${name}\""
            );
        }
    }
    script + &rules_last
}

/// The command that gives a table or an association its rule.
fn rule_of(one: &Made, policy: &Value) -> String {
    let name = &one.logical;
    let policy = spoken(policy);
    let (verb, target) = if one.kind == Kind::Table {
        (
            "create-configured-table-analysis-rule",
            format!("--configured-table-identifier \"${name}\""),
        )
    } else {
        let membership = one.properties.get("membershipIdentifier").and_then(referred);
        let membership = membership.unwrap_or_default();
        (
            "create-configured-table-association-analysis-rule",
            format!(
                "--membership-identifier \"${membership}\" --configured-table-association-identifier \"${name}\""
            ),
        )
    };
    format!(
        "aws cleanrooms {verb} {target} --analysis-rule-type CUSTOM --analysis-rule-policy \"$(cat <<END\n{policy}\nEND\n)\""
    )
}

/// Stands around a reference until the rest is kept from the shell; a private sign that no name or text here has.
const MARK: char = '\u{e000}';

/// JSON for a shell's here-document: references are the shell's, everything else is kept from it.
fn spoken(value: &Value) -> String {
    let marked = |name: &str| Value::from(format!("{MARK}{name}{MARK}"));
    let text = printed(&said(value, &ToOwned::to_owned, &marked, false));
    let kept = text.replace('\\', "\\\\").replace('$', "\\$").replace('`', "\\`");
    let mut out = String::new();
    for (n, part) in kept.split(MARK).enumerate() {
        out.push_str(if n % 2 == 1 { "$" } else { "" });
        out.push_str(part);
    }
    out
}
