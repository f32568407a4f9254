//! The agreement file: text to model, model to canonical bytes and to a text for people, and parameters to literals.
//!
//! Pure: it is given text and gives back values or everything that is wrong with the text. It must not know where a text
//! came from, nor any platform's client. SQL is only measured here; the guard reads it.

mod bind;
mod canonical;
mod check;
mod cursor;
mod decode;
mod diagnostic;
mod ids;
mod lexical;
mod literal;
mod location;
#[cfg(test)]
mod tests;
mod tree;
mod written;

pub use bind::bind;
pub use canonical::canonical;
pub use decode::{normaliser, usual_normaliser};
pub use diagnostic::Diagnostic;
pub use ids::identifier;
pub use lexical::shows_nothing;
pub use location::touch;
pub use tree::SOURCE_BYTES_MAX;
pub use written::{Remarks, written};

use crate::model::Agreement;
use cursor::{Cx, Place};

/// Reads an agreement from YAML or JSON.
///
/// Either the whole agreement, with every name resolved and every bound checked, or everything that is wrong with it.
pub fn read(text: &str) -> Result<Agreement, Vec<Diagnostic>> {
    let (root, found) = tree::parse(text);
    let mut cx = Cx::new(found);
    let agreement = root.as_ref().and_then(|root| {
        let place = Place::root(root);
        let agreement = decode::agreement(&mut cx, &place)?;
        check::agreement(&mut cx, &place, &agreement);
        Some(agreement)
    });
    let found = cx.into_found();
    agreement.filter(|_| found.is_empty()).ok_or(found)
}

/// The JSON Schema (draft 2020-12) of the file, for editors. It describes shapes; [`read`] has the last word.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    // A test reads the same bytes, so `Null` is never returned.
    serde_json::from_str(include_str!("../../agreement.schema.json")).unwrap_or_default()
}
