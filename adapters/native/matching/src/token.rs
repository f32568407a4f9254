//! Tokens and the one way from an arrow column to them; knows nothing of partitions.

use std::fmt;

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeBinaryArray};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::DataType;

use crate::MatchError;

const ONES: u64 = 0x0101_0101_0101_0101;

/// The first 16 bytes of a 32-byte key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Token {
    pub(crate) high: u64,
    pub(crate) low: u64,
}

impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Token(..)")
    }
}

impl Token {
    /// The token of a key's first 16 bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let both = u128::from_be_bytes(bytes);
        let half = |bits: u128| u64::try_from(bits & u128::from(u64::MAX)).unwrap_or(0);
        Self { high: half(both >> 64), low: half(both) }
    }

    fn from_key(key: &[u8]) -> Option<Self> {
        if key.len() != 32 {
            return None;
        }
        key.first_chunk::<16>().map(|b| Self::from_bytes(*b))
    }

    fn from_hex(text: &[u8]) -> Option<Self> {
        let text: &[u8; 64] = text.try_into().ok()?;
        // One flat loop over bytes, so that it becomes vector instructions.
        let mut bad = 0_u8;
        for &c in text {
            let digit = c.wrapping_sub(b'0') < 10;
            let letter = (c | 0x20).wrapping_sub(b'a') < 6;
            bad |= u8::from(!(digit | letter));
        }
        if bad != 0 {
            return None;
        }
        let mut words = text.as_chunks::<8>().0.iter().map(|c| eight_digits(*c));
        let mut next = || Some(words.next()? << 32 | words.next()?);
        Some(Self { high: next()?, low: next()? })
    }
}

/// The 32-bit value of eight hexadecimal digits that are known to be digits.
fn eight_digits(text: [u8; 8]) -> u64 {
    let x = u64::from_be_bytes(text);
    let nibbles = (x & (ONES * 0x0f)) + 9 * ((x >> 6) & ONES);
    let bytes = (nibbles | nibbles >> 4) & 0x00ff_00ff_00ff_00ff;
    let pairs = (bytes | bytes >> 8) & 0x0000_ffff_0000_ffff;
    (pairs | pairs >> 16) & 0xffff_ffff
}

/// The tokens of one batch; a NULL key has none and never matches.
#[derive(Clone)]
pub struct TokenColumn {
    pub(crate) tokens: Vec<Token>,
    pub(crate) nulls: Option<NullBuffer>,
}

impl fmt::Debug for TokenColumn {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "TokenColumn({} rows)", self.tokens.len())
    }
}

impl TokenColumn {
    /// Tokens that are already decoded, none of them NULL.
    #[must_use]
    pub fn from_tokens(tokens: Vec<Token>) -> Self {
        Self { tokens, nulls: None }
    }

    /// Decodes a column of 16- or 32-byte fixed binary, 32-byte binary, or text of 64 hexadecimal digits.
    pub fn decode(array: &dyn Array) -> Result<Self, MatchError> {
        let nulls = array.logical_nulls().filter(|n| n.null_count() > 0);
        let tokens = Self::decode_values(array)?;
        Ok(Self { tokens, nulls })
    }

    /// Rows, NULL ones included.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.tokens.len()
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "arrow's types are many; all but these are refused"
    )]
    fn decode_values(array: &dyn Array) -> Result<Vec<Token>, MatchError> {
        match array.data_type() {
            DataType::FixedSizeBinary(_) => fixed(array.as_fixed_size_binary()),
            DataType::Binary => each(array.as_binary::<i32>().iter(), Token::from_key),
            DataType::LargeBinary => each(array.as_binary::<i64>().iter(), Token::from_key),
            DataType::BinaryView => each(array.as_binary_view().iter(), Token::from_key),
            DataType::Utf8 => each(array.as_string::<i32>().iter(), Token::from_hex),
            DataType::LargeUtf8 => each(array.as_string::<i64>().iter(), Token::from_hex),
            DataType::Utf8View => each(array.as_string_view().iter(), Token::from_hex),
            DataType::Dictionary(_, values) => {
                let plain: ArrayRef = cast(array, values).map_err(|_| unsupported(array))?;
                Self::decode_values(&plain)
            }
            _ => Err(unsupported(array)),
        }
    }
}

fn unsupported(array: &dyn Array) -> MatchError {
    MatchError::UnsupportedType { place: "token", found: array.data_type().to_string() }
}

fn each<'a, V: AsRef<[u8]> + ?Sized + 'a>(
    values: impl Iterator<Item = Option<&'a V>>,
    token: impl Fn(&[u8]) -> Option<Token>,
) -> Result<Vec<Token>, MatchError> {
    let decode = |value: Option<&'a V>| match value {
        Some(value) => token(value.as_ref()).ok_or(MatchError::MalformedToken),
        None => Ok(Token::default()),
    };
    let mut tokens = Vec::with_capacity(values.size_hint().0);
    for value in values {
        tokens.push(decode(value)?);
    }
    Ok(tokens)
}

fn fixed(array: &FixedSizeBinaryArray) -> Result<Vec<Token>, MatchError> {
    let heads = |bytes: &[u8]| bytes.first_chunk::<16>().map(|b| Token::from_bytes(*b));
    let width = match array.value_length() {
        16 => 16,
        32 => 32,
        _ => return Err(MatchError::MalformedToken),
    };
    let tokens: Vec<Token> =
        array.value_data().chunks_exact(width).filter_map(heads).take(array.len()).collect();
    if tokens.len() == array.len() { Ok(tokens) } else { Err(MatchError::MalformedToken) }
}

#[cfg(test)]
mod tests {
    use arrow::array::{BinaryViewArray, FixedSizeBinaryArray, StringArray, StringViewArray};

    use super::*;

    fn key(n: u8) -> [u8; 32] {
        std::array::from_fn(|i| n.wrapping_mul(37) ^ u8::try_from(i * 7).unwrap())
    }

    fn hex(bytes: &[u8], upper: bool) -> String {
        let digit = |b: &u8| {
            if upper { format!("{b:02X}") } else { format!("{b:02x}") }
        };
        bytes.iter().map(digit).collect()
    }

    #[test]
    fn every_form_of_a_key_gives_one_token() {
        let keys: Vec<[u8; 32]> = (0..=255).map(key).collect();
        let text = |upper| keys.iter().map(move |k| hex(k, upper));
        let forms: Vec<ArrayRef> = vec![
            std::sync::Arc::new(StringArray::from_iter_values(text(false))),
            std::sync::Arc::new(StringViewArray::from_iter_values(text(true))),
            std::sync::Arc::new(BinaryViewArray::from_iter_values(&keys)),
            std::sync::Arc::new(FixedSizeBinaryArray::try_from_iter(keys.iter()).unwrap()),
            std::sync::Arc::new(
                FixedSizeBinaryArray::try_from_iter(keys.iter().map(|k| &k[..16])).unwrap(),
            ),
        ];
        let expected: Vec<Token> = keys.iter().map(|k| Token::from_key(k).unwrap()).collect();
        for form in forms {
            assert_eq!(TokenColumn::decode(&form).unwrap().tokens, expected);
            let tail = form.slice(100, 50);
            assert_eq!(TokenColumn::decode(&tail).unwrap().tokens, expected[100..150]);
        }
    }

    #[test]
    fn a_malformed_key_is_refused_without_its_value_and_null_is_not_a_key() {
        let good = "ab".repeat(32);
        for bad in ["", "ab", &good[1..], &format!("{}g", &good[1..]), &format!("{}:", &good[1..])]
        {
            let column = StringArray::from(vec![good.as_str(), bad]);
            let error = TokenColumn::decode(&column).unwrap_err();
            assert_eq!(error.code(), "malformed-token");
            assert!(bad.is_empty() || !error.to_string().contains(bad));
        }
        let column = StringArray::from(vec![Some(good.as_str()), None]);
        let decoded = TokenColumn::decode(&column).unwrap();
        assert!(decoded.nulls.unwrap().is_null(1));
        let short = FixedSizeBinaryArray::try_from_iter([[1_u8; 20]].iter()).unwrap();
        assert_eq!(TokenColumn::decode(&short).unwrap_err().code(), "malformed-token");
        let number = arrow::array::Int64Array::from(vec![1]);
        assert_eq!(TokenColumn::decode(&number).unwrap_err().code(), "unsupported-type");
    }
}
