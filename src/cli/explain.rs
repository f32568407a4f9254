//! `airlock explain`: what the guard refuses or compiles, and why. Runs nothing.

use super::screen::Screen;
use crate::app::agreements;
use crate::error::{Error, Result};
use mappings::model::TemplateName;
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
                Ok(guarded) => {
                    screen.say(format!("\n{name}: passes, {}", guarded.digest));
                    for t in &guarded.thresholds {
                        screen.say(format!(
                            "  every row backed by at least {} distinct entities of {} (rule of {})",
                            t.entities_min, t.dataset, t.rule_of
                        ));
                    }
                    screen.say("  text for the native room:");
                    for line in guarded.datafusion.lines() {
                        screen.say(format!("    {line}"));
                    }
                    objects.push(
                        serde_json::json!({ "template": name, "passes": true, "guarded": guarded }),
                    );
                }
                Err(refusals) => {
                    screen.say(format!("\n{name}: refused"));
                    for refusal in &refusals {
                        screen.say(format!("  {refusal}"));
                    }
                    problems.extend(agreements::problems(name, &refusals));
                    objects.push(serde_json::json!({ "template": name, "passes": false, "refusals": refusals }));
                }
            }
        }
        screen.object(&serde_json::json!({ "templates": objects }));
        if problems.is_empty() {
            return Ok(());
        }
        Err(Error::refused("template-refused", format!("{} refusals by the guard", problems.len()))
            .problems(problems))
    }
}
