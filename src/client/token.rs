//! The token of a caller: sent to its gateway, and shown nowhere.

use crate::error::{Error, Result};
use reqwest::header::HeaderValue;
use std::fmt;
use std::io::Read as _;
use std::path::Path;

/// No issuer's is longer.
const TOKEN_BYTES_MAX: usize = 16_384;

/// A bearer token.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// A token as an issuer gave it; white space around it is none of it.
    pub fn new(text: &str) -> Result<Self> {
        let text = text.trim();
        let shaped = (1..=TOKEN_BYTES_MAX).contains(&text.len());
        if shaped && text.bytes().all(|b| b.is_ascii_graphic()) {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::invalid("token-malformed", "the access token is none")
            .help("AIRLOCK_TOKEN or --token-file with what the issuer gave"))
    }

    /// The token in a file that nobody else reads.
    pub fn read(file: &Path) -> Result<Self> {
        let unread = |error: std::io::Error| Error::io("read the token", file, &error);
        let opened = std::fs::File::open(file).map_err(unread)?;
        is_private(&opened).map_err(unread)?.then_some(()).ok_or_else(|| {
            Error::refused("token-exposed", format!("others can read {}", file.display()))
                .help("chmod 600, and a fresh token where others may have read it")
        })?;
        let mut text = String::new();
        let bound = TOKEN_BYTES_MAX as u64 + 64;
        opened.take(bound).read_to_string(&mut text).map_err(unread)?;
        Self::new(&text)
    }

    /// The header that shows it.
    pub(super) fn header(&self) -> Result<HeaderValue> {
        let value = HeaderValue::from_str(&format!("Bearer {}", self.0));
        let mut value = value.map_err(|_| Error::failed("bug", "a token is no header"))?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// A text without it, should somebody have put it there.
    pub(super) fn hidden_in(&self, text: &str) -> String {
        text.replace(&self.0, "…")
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

#[cfg(unix)]
fn is_private(file: &std::fs::File) -> std::io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    Ok(file.metadata()?.mode().trailing_zeros() >= 6)
}

#[cfg(not(unix))]
fn is_private(_: &std::fs::File) -> std::io::Result<bool> {
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_never_shown() {
        let token = Token::new(" zqsentinel.a.b\n").unwrap();
        assert_eq!(format!("{token:?}"), "Token");
        assert_eq!(token.hidden_in("got zqsentinel.a.b, it says"), "got …, it says");
        assert_eq!(format!("{:?}", token.header().unwrap()), "Sensitive");
        for bad in ["", " ", "two words", "line\nline", "é"] {
            assert_eq!(Token::new(bad).unwrap_err().code, "token-malformed", "{bad:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_token_that_others_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "zqsentinel\n").unwrap();
        for (mode, good) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            let read = Token::read(&file).map(drop).map_err(|error| error.code);
            assert_eq!(read, if good { Ok(()) } else { Err("token-exposed".to_owned()) });
        }
    }
}
