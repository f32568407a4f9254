//! `airlock explain`: what the guard refuses or compiles, and why. Runs nothing.

use super::screen::Screen;
use crate::app::agreements;
use crate::error::{Error, Result};
use mappings::guard::Guarded;
use mappings::model::{Agreement, TemplateName};
use std::path::PathBuf;

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
pub(super) struct Explain {
    /// The agreement file.
    file: PathBuf,
    /// Only this template.
    template: Option<TemplateName>,
}

impl Explain {
    pub(super) fn run(self, screen: Screen) -> Result<()> {
        let agreement = agreements::read(&self.file)?;
        let names: Vec<&TemplateName> = match &self.template {
            Some(name) => vec![agreements::known(&agreement, name)?],
            None => agreement.templates.keys().collect(),
        };
        let mut problems = Vec::new();
        let mut objects = Vec::new();
        for name in names {
            match mappings::guard::guard(&agreement, name) {
                Ok(guarded) => objects.push(passed(&agreement, name, &guarded, screen)),
                Err(refusals) => {
                    screen.say(format!("\n{name}: refused"));
                    for refusal in &refusals {
                        screen.say(format!("  {refusal}"));
                    }
                    problems.extend(agreements::problems(name, &refusals));
                }
            }
        }
        if problems.is_empty() {
            screen.object(&serde_json::json!({ "templates": objects }));
            return Ok(());
        }
        Err(Error::refused("template-refused", format!("{} refusals by the guard", problems.len()))
            .problems(problems))
    }
}

/// Shows the thresholds of a template that passed, and its text for each room of the agreement.
fn passed(
    agreement: &Agreement,
    name: &TemplateName,
    guarded: &Guarded,
    screen: Screen,
) -> serde_json::Value {
    screen.say(format!("\n{name}: passes, {}", guarded.digest));
    for t in &guarded.thresholds {
        screen.say(format!(
            "  every row backed by at least {} distinct entities of {} (rule of {})",
            t.entities_min, t.dataset, t.rule_of
        ));
    }
    for warning in &guarded.warnings {
        screen.say(format!("  look at: {warning}"));
    }
    let mut texts = serde_json::Map::new();
    for room in &agreement.rooms {
        let said = mappings::text::text_for(&room.platform, agreement, guarded);
        let Some(text) = said.map(|said| said.map(|text| text.sql)) else { continue };
        match &text {
            Ok(text) => {
                screen.say(format!("  text for {}:", room.platform));
                for line in text.lines() {
                    screen.say(format!("    {line}"));
                }
            }
            Err(why) => screen.say(format!("  no text for {}: {why}", room.platform)),
        }
        let said = match text {
            Ok(sql) => serde_json::json!({ "sql": sql }),
            Err(why) => serde_json::json!({ "unsaid": why }),
        };
        texts.insert(room.platform.to_string(), said);
    }
    serde_json::json!({ "template": name, "guarded": guarded, "texts": texts })
}
