//! Packed answers, unpacked up to a limit. Must not know what is in them.

use crate::error::{Error, ErrorKind, Fate, Fault, Result};
use flate2::read::MultiGzDecoder;
use std::io::Read as _;

const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The answer's own bytes. Whether it is packed is read from its first bytes: no JSON begins like that, and the header may be left out.
pub(crate) fn unpacked(body: Vec<u8>, encoding: Option<&str>, max: usize) -> Result<Vec<u8>> {
    let named = encoding.map(|e| e.trim().to_ascii_lowercase());
    let known = named.as_deref().is_none_or(|e| ["", "identity", "gzip", "x-gzip"].contains(&e));
    if !known {
        return Err(Error::protocol(Fault::Packing, Fate::Unknown));
    }
    if !body.starts_with(&MAGIC) {
        return Ok(body);
    }
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    let mut found = Vec::new();
    let read = MultiGzDecoder::new(body.as_slice()).take(limit).read_to_end(&mut found);
    read.map_err(|_| Error::protocol(Fault::Packing, Fate::Unknown))?;
    if found.len() > max {
        return Err(Error::new(ErrorKind::TooLarge, Fate::Unknown));
    }
    Ok(found)
}

#[cfg(test)]
pub(crate) fn packed(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

#[cfg(test)]
mod tests {
    //! Packed, plain, cut, and a bomb.
    use super::*;

    #[test]
    fn forms() {
        let text = b"{\"data\":[]}".to_vec();
        let mut two = packed(b"{\"data\"");
        two.extend(packed(b":[]}"));
        assert_eq!(unpacked(text.clone(), None, 100).unwrap(), text);
        assert_eq!(unpacked(packed(&text), Some("gzip"), 100).unwrap(), text);
        assert_eq!(unpacked(packed(&text), None, 100).unwrap(), text);
        assert_eq!(unpacked(two, Some("gzip"), 100).unwrap(), text, "two members are one text");
    }

    #[test]
    fn what_is_not_taken() {
        let mut cut = packed(b"{\"data\":[]}");
        cut.truncate(cut.len() - 3);
        let fault = |result: Result<Vec<u8>>| result.unwrap_err().kind();
        assert_eq!(fault(unpacked(cut, None, 100)), ErrorKind::Protocol(Fault::Packing));
        let other = unpacked(b"{}".to_vec(), Some("br"), 100);
        assert_eq!(fault(other), ErrorKind::Protocol(Fault::Packing));
        let bomb = packed(&vec![b' '; 1_000_000]);
        assert!(bomb.len() < 10_000);
        assert_eq!(fault(unpacked(bomb.clone(), None, 999_999)), ErrorKind::TooLarge);
        assert_eq!(unpacked(bomb, None, 1_000_000).unwrap().len(), 1_000_000);
    }
}
