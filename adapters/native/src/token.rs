//! Tokens: match keys under the collaboration's key, so that no raw identifier passes a scan (decision 0002).
//! `HMAC-SHA256(key, kind ‖ 0x00 ‖ SHA-256(normalised))`, 32 bytes. Must not know where values come from.

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeBinaryBuilder, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use hmac::{Hmac, Mac};
use mappings::keys::normalise;
use mappings::model::Normaliser;
use sha2::{Digest, Sha256};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

const BYTES: i32 = 32;

/// A key declared as hashed that is not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MalformedKey;

impl fmt::Display for MalformedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key declared as hashed is not a SHA-256")
    }
}

impl std::error::Error for MalformedKey {}

/// A collaboration's key, ready to hash with. Its `Debug` shows nothing.
#[derive(Clone)]
pub(crate) struct Tokens(Hmac<Sha256>);

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens(…)")
    }
}

impl Tokens {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        // HMAC takes a key of any length: this one is exactly a hash long.
        let mac = <Hmac<Sha256> as Mac>::new_from_slice(key);
        Self(mac.unwrap_or_else(|_| Hmac::new(&hmac::digest::Key::<Hmac<Sha256>>::default())))
    }

    /// The token of a raw value that was normalised.
    pub(crate) fn of_raw(&self, kind: &str, normalised: &[u8]) -> [u8; 32] {
        self.of_hash(kind, &Sha256::digest(normalised).into())
    }

    /// The token of a value whose SHA-256 is known.
    pub(crate) fn of_hash(&self, kind: &str, hash: &[u8; 32]) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(kind.as_bytes());
        mac.update(&[0]);
        mac.update(hash);
        mac.finalize().into_bytes().into()
    }
}

/// Which form of key a function takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Form {
    /// `airlock_token('kind:normaliser', column)`.
    Raw,
    /// `airlock_hashed('kind', 'form', column)`.
    Hashed,
}

/// The function, as the engine calls it. It lives for one run; its key is never part of its name or text.
#[derive(Debug)]
pub(crate) struct TokenFunction {
    tokens: Tokens,
    form: Form,
    signature: Signature,
}

impl TokenFunction {
    pub(crate) fn new(tokens: Tokens, form: Form) -> Self {
        let arguments = if form == Form::Raw { 2 } else { 3 };
        Self { tokens, form, signature: Signature::any(arguments, Volatility::Immutable) }
    }
}

// One of each form exists in a run's context, all under one key.
impl PartialEq for TokenFunction {
    fn eq(&self, other: &Self) -> bool {
        self.form == other.form
    }
}

impl Eq for TokenFunction {}

impl Hash for TokenFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.form.hash(state);
    }
}

impl ScalarUDFImpl for TokenFunction {
    fn name(&self) -> &'static str {
        match self.form {
            Form::Raw => "airlock_token",
            Form::Hashed => "airlock_hashed",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::FixedSizeBinary(BYTES))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let word = |n: usize| args.args.get(n).and_then(text).ok_or_else(malformed);
        let column = args.args.last().ok_or_else(malformed)?.clone().into_array(rows)?;
        let made = match self.form {
            Form::Raw => {
                let word = word(0)?;
                let (kind, normaliser) = word.split_once(':').ok_or_else(malformed)?;
                self.raw(kind, normaliser_named(normaliser).ok_or_else(malformed)?, &column)?
            }
            Form::Hashed => self.hashed(&word(0)?, &word(1)?, &column)?,
        };
        Ok(ColumnarValue::Array(made))
    }
}

impl TokenFunction {
    fn raw(&self, kind: &str, normaliser: Normaliser, column: &ArrayRef) -> Result<ArrayRef> {
        let mut made = FixedSizeBinaryBuilder::with_capacity(column.len(), BYTES);
        let mut put = |token: Option<[u8; 32]>| {
            if let Some(token) = token {
                made.append_value(token)
            } else {
                made.append_null();
                Ok(())
            }
        };
        if column.data_type().is_integer() {
            let numbers = cast(column, &DataType::Int64)?;
            for number in numbers.as_primitive::<Int64Type>() {
                put(number.map(|number| self.tokens.of_raw(kind, number.to_string().as_bytes())))?;
            }
        } else {
            let texts = cast(column, &DataType::Utf8)?;
            let texts: &StringArray = texts.as_string();
            for text in texts {
                let clean = text.and_then(|text| normalise(normaliser, text));
                put(clean.map(|text| self.tokens.of_raw(kind, text.as_bytes())))?;
            }
        }
        Ok(Arc::new(made.finish()))
    }

    fn hashed(&self, kind: &str, form: &str, column: &ArrayRef) -> Result<ArrayRef> {
        let mut made = FixedSizeBinaryBuilder::with_capacity(column.len(), BYTES);
        let mut put = |token: Option<[u8; 32]>| {
            if let Some(token) = token {
                made.append_value(token)
            } else {
                made.append_null();
                Ok(())
            }
        };
        if form == "sha256-hex" {
            let texts = cast(column, &DataType::Utf8)?;
            let texts: &StringArray = texts.as_string();
            for text in texts {
                let hash = text.map(|text| unhex(text).ok_or_else(malformed)).transpose()?;
                put(hash.map(|hash| self.tokens.of_hash(kind, &hash)))?;
            }
            return Ok(Arc::new(made.finish()));
        }
        let bytes = cast(column, &DataType::Binary)?;
        for value in bytes.as_binary::<i32>() {
            let hash: Option<[u8; 32]> =
                value.map(|value| value.try_into().map_err(|_| malformed())).transpose()?;
            put(match form {
                "hmac-bytes" => hash,
                "sha256-bytes" => hash.map(|hash| self.tokens.of_hash(kind, &hash)),
                _ => return Err(malformed()),
            })?;
        }
        Ok(Arc::new(made.finish()))
    }
}

fn malformed() -> DataFusionError {
    DataFusionError::External(Box::new(MalformedKey))
}

fn text(value: &ColumnarValue) -> Option<String> {
    match value {
        ColumnarValue::Scalar(
            ScalarValue::Utf8(Some(text))
            | ScalarValue::Utf8View(Some(text))
            | ScalarValue::LargeUtf8(Some(text)),
        ) => Some(text.clone()),
        ColumnarValue::Scalar(_) | ColumnarValue::Array(_) => None,
    }
}

fn normaliser_named(name: &str) -> Option<Normaliser> {
    Some(match name {
        "email" => Normaliser::Email,
        "phone" => Normaliser::Phone,
        "device-id" => Normaliser::DeviceId,
        "lower-trim" => Normaliser::LowerTrim,
        "none" => Normaliser::None,
        _ => return None,
    })
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut out = [0u8; 32];
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|n| u8::try_from(n).ok());
        *byte = nibble(*high)? << 4 | nibble(*low)?;
    }
    Some(out)
}
