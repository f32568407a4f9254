//! Reading agreements from files and guarding their templates. Knows nothing of the log.

use crate::error::{Error, Kind, Problem, Result};
use crate::wiring;
use adapter_spi::{Assessment, Behaviour};
use mappings::agreement::{Diagnostic, SOURCE_BYTES_MAX};
use mappings::guard::{Guarded, Refusal};
use mappings::model::{
    Agreement, Digest, Literal, Location, ParameterName, PlatformId, TemplateName,
};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// Reads and validates an agreement file; all its problems at once.
pub fn read(file: &Path) -> Result<Agreement> {
    let mut agreement = read_text(&text_of(file)?, &file.display().to_string())?;
    anchor(&mut agreement, file)?;
    places_apart(&agreement)?;
    Ok(agreement)
}

/// The same, with a text that says the same wherever it is read: the file's own, with every place whole.
pub fn read_whole(file: &Path) -> Result<(Agreement, String)> {
    let (text, name) = (text_of(file)?, file.display().to_string());
    let own = read_text(&text, &name)?;
    let mut agreement = own.clone();
    anchor(&mut agreement, file)?;
    places_apart(&agreement)?;
    let text = with_places(&text, &own, &agreement);
    if read_text(&text, &name).is_ok_and(|said| said.digest() == agreement.digest()) {
        return Ok((agreement, text));
    }
    let message = "a relative place in it can't be told from other words";
    Err(Error::invalid("place-not-whole", message)
        .help("every place as a URL: file:///…, or s3://…"))
}

/// A text with each place of the one agreement as the other has it, wherever it stands as a word of its own. Its reader tells whether it
/// says what was meant.
fn with_places(text: &str, own: &Agreement, whole: &Agreement) -> String {
    let places = |agreement: &Agreement| -> Vec<String> {
        let native = agreement.datasets.values().filter_map(|dataset| {
            let at = dataset.at.get(&PlatformId::native());
            at.and_then(
                |at| if let Location::Name(place) = at { Some(place.clone()) } else { None },
            )
        });
        agreement.destinations.values().cloned().chain(native).collect()
    };
    let pairs = places(own).into_iter().zip(places(whole)).filter(|(own, whole)| own != whole);
    let whole: BTreeMap<String, String> = pairs.collect();
    let in_place = |c: char| c.is_alphanumeric() || "_-./%:~+".contains(c);
    // Words as places are written, and what stands between them.
    let mut said = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let ends = |c: char| in_place(c) != in_place(first);
        let (word, more) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
        said.push_str(whole.get(word).map_or(word, String::as_str));
        rest = more;
    }
    said
}

/// Reads and validates an agreement's text; all its problems at once, each with the text's name before it.
pub fn read_text(text: &str, name: &str) -> Result<Agreement> {
    mappings::agreement::read(text).map_err(|diagnostics| {
        let problems = diagnostics
            .iter()
            .map(|d| {
                let at = format!("{name}:{}:{} {}", d.line, d.column, d.path);
                Problem { at, ..problem(d) }
            })
            .collect::<Vec<_>>();
        Error::invalid("agreement-invalid", format!("{} problems in the agreement", problems.len()))
            .problems(problems)
    })
}

/// The file's text; of one that is too long, enough to be refused for it.
fn text_of(file: &Path) -> Result<String> {
    let unread = |error: std::io::Error| Error {
        kind: Kind::Invalid,
        ..Error::io("read the agreement", file, &error)
    };
    let bound = SOURCE_BYTES_MAX as u64 + 1;
    let mut bytes = Vec::new();
    std::fs::File::open(file)
        .map_err(unread)?
        .take(bound)
        .read_to_end(&mut bytes)
        .map_err(unread)?;
    if bytes.len() > SOURCE_BYTES_MAX {
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let message = format!("{} is not UTF-8 text from byte {at} on", file.display());
        Error::invalid("not-text", message).help("an agreement is YAML or JSON in UTF-8")
    })
}

/// Relative places are taken from the file's folder, and recorded whole: a log must mean the same from anywhere.
fn anchor(agreement: &mut Agreement, file: &Path) -> Result<()> {
    let folder = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder =
        folder.canonicalize().map_err(|error| Error::io("find the folder of", file, &error))?;
    let whole = |place: &mut String| {
        if place.contains("://") {
            return;
        }
        let path = folder.join(place.as_str());
        if let Ok(url) = url::Url::from_file_path(&path) {
            *place = url.into();
        }
    };
    for destination in agreement.destinations.values_mut() {
        whole(destination);
    }
    for dataset in agreement.datasets.values_mut() {
        if let Some(Location::Name(place)) = dataset.at.get_mut(&PlatformId::native()) {
            whole(place);
        }
    }
    Ok(())
}

pub(super) fn problem(diagnostic: &Diagnostic) -> Problem {
    Problem {
        code: diagnostic.code.to_owned(),
        at: diagnostic.path.clone(),
        message: diagnostic.message.clone(),
        help: diagnostic.help.clone(),
    }
}

/// The template of this name.
pub fn known<'a>(agreement: &'a Agreement, name: &TemplateName) -> Result<&'a TemplateName> {
    agreement.templates.get_key_value(name).map(|(name, _)| name).ok_or_else(|| {
        Error::invalid("template-unknown", format!("the agreement has no template {name}")).help(
            agreement.templates.keys().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        )
    })
}

/// Guards every template; all refusals at once.
pub fn guard_all(agreement: &Agreement) -> Result<BTreeMap<TemplateName, Guarded>> {
    let mut guarded = BTreeMap::new();
    let mut refused = Vec::new();
    for name in agreement.templates.keys() {
        match mappings::guard::guard(agreement, name) {
            Ok(passed) => drop(guarded.insert(name.clone(), passed)),
            Err(refusals) => refused.extend(problems(name, &refusals)),
        }
    }
    if refused.is_empty() {
        return Ok(guarded);
    }
    Err(Error::refused("template-refused", format!("{} refusals by the guard", refused.len()))
        .problems(refused))
}

/// Refusals as problems with a place.
#[must_use]
pub fn problems(name: &TemplateName, refusals: &[Refusal]) -> Vec<Problem> {
    let at = |refusal: &Refusal| {
        let place =
            refusal.span.as_ref().map_or_else(String::new, |s| format!(":{}:{}", s.line, s.column));
        let rule = refusal.rule_of.as_ref().map_or_else(String::new, |(member, dataset)| {
            format!(" (rule of {member} on {dataset})")
        });
        format!("templates.{name}.sql{place}{rule}")
    };
    refusals
        .iter()
        .map(|refusal| Problem {
            code: refusal.code.to_owned(),
            at: at(refusal),
            message: refusal.message.clone(),
            help: refusal.change.clone(),
        })
        .collect()
}

/// The digest that names a template's version.
pub fn digest(agreement: &Agreement, name: &TemplateName) -> Result<Digest> {
    let name = known(agreement, name)?;
    let template = agreement.templates.get(name);
    template.map(|t| t.digest(name)).ok_or_else(|| Error::failed("bug", "a known template is gone"))
}

/// Guards one template.
pub fn guard_one(agreement: &Agreement, name: &TemplateName) -> Result<Guarded> {
    mappings::guard::guard(agreement, known(agreement, name)?).map_err(|refusals| {
        Error::refused("template-refused", format!("the guard refuses template {name}"))
            .problems(problems(name, &refusals))
    })
}

/// The digest of the text that would run in a room.
pub(crate) fn text_digest(
    room: &PlatformId,
    agreement: &Agreement,
    guarded: &Guarded,
) -> Result<Digest> {
    let said = mappings::text::text_for(room, agreement, guarded).ok_or_else(|| {
        Error::invalid("room-unknown", format!("this version has no text for {room}"))
    })?;
    said.map(|text| text.digest)
        .map_err(|unsaid| Error::refused("template-unsaid", unsaid.message).help(unsaid.change))
}

/// Binds parameters given as text.
pub fn bind(
    agreement: &Agreement,
    name: &TemplateName,
    given: &BTreeMap<String, String>,
) -> Result<BTreeMap<ParameterName, Literal>> {
    let Some(template) = agreement.templates.get(known(agreement, name)?) else {
        return Err(Error::failed("bug", "a known template is gone"));
    };
    mappings::agreement::bind(template, given).map_err(|diagnostics| {
        let problems = diagnostics.iter().map(problem).collect();
        Error::invalid("parameters-invalid", format!("parameters of {name}")).problems(problems)
    })
}

/// Refuses results that would go where data lies, by the places' real paths.
pub fn places_apart(agreement: &Agreement) -> Result<()> {
    for (receiver, destination) in &agreement.destinations {
        for (name, dataset) in &agreement.datasets {
            let Some(Location::Name(place)) = dataset.at.get(&PlatformId::native()) else {
                continue;
            };
            if crate::results::overlaps(place, destination) {
                let message =
                    format!("the destination of {receiver} and dataset {name} lie in each other");
                return Err(Error::invalid("destination-is-source", message)
                    .help("a destination of its own"));
            }
        }
        let others = agreement.destinations.iter().filter(|(other, _)| *other < receiver);
        for (other, theirs) in others {
            if crate::results::overlaps(theirs, destination) {
                let message =
                    format!("the destinations of {other} and {receiver} lie in each other");
                return Err(Error::invalid("destination-of-another", message)
                    .help("a destination of its own"));
            }
        }
    }
    Ok(())
}

/// What a room counts on of its platform, each with its standing.
#[must_use]
pub fn counts_on(room: &PlatformId) -> Vec<Behaviour> {
    wiring::behaviours(room)
}

/// What each room can hold of an agreement; refused when a room can't hold a term and nobody closes the gap. What a room would hold
/// more loosely is told, and waits for waivers: nothing is given to it before.
pub fn assess_all(agreement: &Agreement) -> Result<Vec<Assessment>> {
    let all = wiring::assess(agreement)?;
    let problems: Vec<Problem> = all
        .iter()
        .flat_map(|room| room.refused().map(move |verdict| (room, verdict)))
        .map(|(room, verdict)| Problem {
            code: "not-held".to_owned(),
            at: format!("{} {}", room.platform, verdict.at),
            message: verdict.reason.clone(),
            help: String::new(),
        })
        .collect();
    if problems.is_empty() {
        return Ok(all);
    }
    let message = format!("{} terms that a room can't hold", problems.len());
    Err(Error::refused("room-refused", message).problems(problems))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_there(text: &str) -> Result<(Agreement, String)> {
        let folder = tempfile::tempdir().map_err(|error| Error::failed("io", error.to_string()))?;
        let file = folder.path().join("agreement.yaml");
        std::fs::write(&file, text).map_err(|error| Error::io("write", &file, &error))?;
        let (whole, said) = read_whole(&file)?;
        assert_eq!(whole, read(&file)?);
        Ok((whole, said))
    }

    #[test]
    fn an_agreement_with_whole_places_says_the_same_anywhere() {
        let text = include_str!("../demo/agreement.yaml");
        let (whole, said) = read_there(text).unwrap();
        let elsewhere = read_text(&said, "the document").unwrap();
        assert_eq!(elsewhere.digest(), whole.digest());
        assert!(said.contains("file:///"), "{said}");
        // What is whole already is the file, byte for byte.
        assert_eq!(with_places(&said, &elsewhere, &elsewhere), said);
    }

    #[test]
    fn a_place_that_is_a_word_of_something_else_is_refused() {
        let text = include_str!("../demo/agreement.yaml");
        let own = read_text(text, "it").unwrap();
        let destination = own.destinations.values().next().unwrap();
        let member = own.destinations.keys().next().unwrap().to_string();
        let text = text.replace(destination.as_str(), &member);
        assert_eq!(read_there(&text).unwrap_err().code, "place-not-whole");
    }
}
