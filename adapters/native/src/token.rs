//! Tokens: match keys under the collaboration's key, so that no raw identifier passes a scan (decision 0002).
//! `HMAC-SHA256(key, kind ‖ 0x00 ‖ SHA-256(normalised))`, 32 bytes. Must not know where values come from.

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeBinaryArray, NullBufferBuilder};
use arrow::buffer::Buffer;
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
        f.write_str("a key declared as hashed is not 32 bytes or 64 hex digits")
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
                let normaliser = normaliser_named(normaliser).ok_or_else(malformed)?;
                self.tokens.raw(kind, normaliser, &column)?
            }
            Form::Hashed => self.tokens.hashed(&word(0)?, &word(1)?, &column)?,
        };
        Ok(ColumnarValue::Array(made))
    }
}

impl Tokens {
    /// A column of raw identifiers as tokens; where normalising leaves none there is none.
    pub(crate) fn raw(
        &self,
        kind: &str,
        normaliser: Normaliser,
        column: &ArrayRef,
    ) -> Result<ArrayRef> {
        if column.data_type().is_integer() {
            let numbers = cast(column, &DataType::Int64)?;
            let token = |number: i64| Ok(Some(self.of_raw(kind, number.to_string().as_bytes())));
            return column_of(numbers.as_primitive::<Int64Type>().iter(), token);
        }
        let texts = cast(column, &DataType::Utf8View)?;
        let token = |text: &str| {
            let clean = normalise(normaliser, text);
            Ok(clean.map(|clean| self.of_raw(kind, clean.as_bytes())))
        };
        column_of(texts.as_string_view().iter(), token)
    }

    /// A column that its owner hashed as tokens; one value that is no hash fails it.
    fn hashed(&self, kind: &str, form: &str, column: &ArrayRef) -> Result<ArrayRef> {
        let whole = |value: &[u8]| <[u8; 32]>::try_from(value).map_err(|_| malformed());
        let keyed = |hash: &[u8; 32]| self.of_hash(kind, hash);
        let digits = |text: &str| unhex(text.as_bytes()).ok_or_else(malformed);
        let texts = || cast(column, &DataType::Utf8View);
        let bytes = || cast(column, &DataType::BinaryView);
        match form {
            "hmac-bytes" if *column.data_type() == DataType::FixedSizeBinary(BYTES) => {
                Ok(Arc::clone(column))
            }
            "hmac-bytes" => column_of(bytes()?.as_binary_view().iter(), |v| whole(v).map(Some)),
            "hmac-hex" => column_of(texts()?.as_string_view().iter(), |v| digits(v).map(Some)),
            "sha256-bytes" => column_of(bytes()?.as_binary_view().iter(), |v| {
                whole(v).map(|hash| Some(keyed(&hash)))
            }),
            "sha256-hex" => column_of(texts()?.as_string_view().iter(), |v| {
                digits(v).map(|hash| Some(keyed(&hash)))
            }),
            _ => Err(malformed()),
        }
    }
}

/// A token for each value, NULL where there is none.
fn column_of<V>(
    values: impl ExactSizeIterator<Item = Option<V>>,
    token: impl Fn(V) -> Result<Option<[u8; 32]>>,
) -> Result<ArrayRef> {
    let mut bytes: Vec<u8> = Vec::with_capacity(values.len() * 32);
    let mut some = NullBufferBuilder::new(values.len());
    for value in values {
        let token = value.map(&token).transpose()?.flatten();
        some.append(token.is_some());
        bytes.extend_from_slice(&token.unwrap_or_default());
    }
    Ok(Arc::new(FixedSizeBinaryArray::try_new(BYTES, Buffer::from_vec(bytes), some.finish())?))
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
        "phone-us" => Normaliser::PhoneUs,
        "device-id" => Normaliser::DeviceId,
        "lower-trim" => Normaliser::LowerTrim,
        "none" => Normaliser::None,
        _ => return None,
    })
}

/// 32 bytes from 64 hex digits of either case. Flat loops over bytes, so that they become vector instructions.
fn unhex(text: &[u8]) -> Option<[u8; 32]> {
    let digits: &[u8; 64] = text.try_into().ok()?;
    let mut bad = 0_u8;
    let mut nibbles = [0_u8; 64];
    for (nibble, &c) in nibbles.iter_mut().zip(digits) {
        let digit = c.wrapping_sub(b'0') < 10;
        let letter = (c | 0x20).wrapping_sub(b'a') < 6;
        bad |= u8::from(!(digit | letter));
        *nibble = (c & 0x0f) + 9 * (c >> 6);
    }
    let mut out = [0_u8; 32];
    for (byte, [high, low]) in out.iter_mut().zip(nibbles.as_chunks::<2>().0) {
        *byte = high << 4 | low;
    }
    (bad == 0).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{BinaryArray, StringArray};

    // Python: hmac.new(bytes([7]) * 32, b"email\0" + hashlib.sha256(b"a@x.io").digest(), "sha256").hexdigest()
    const TOKEN: &str = "af0cd64b9d0e5cedb9278ce762138702fc36638ce86352b89e8b17946b57985f";
    // Python: hashlib.sha256(b"a@x.io").hexdigest()
    const HASH: &str = "aa8a6b1226018606fb52fd4fb5e6f407d7a610c996250306acf156a247c08e26";

    fn shown(column: &ArrayRef) -> Vec<Option<String>> {
        let hex = |bytes: &[u8]| {
            bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
        };
        column.as_fixed_size_binary().iter().map(|token| token.map(hex)).collect()
    }

    #[test]
    fn every_form_of_a_key_gives_the_token_that_python_says() {
        let tokens = Tokens::new(&[7; 32]);
        let raw: ArrayRef = Arc::new(StringArray::from(vec![Some(" A@X.io"), Some("none"), None]));
        let expected = vec![Some(TOKEN.to_owned()), None, None];
        assert_eq!(shown(&tokens.raw("email", Normaliser::Email, &raw).unwrap()), expected);
        let bytes = |hex: &str| unhex(hex.as_bytes()).unwrap().to_vec();
        let forms: [(&str, ArrayRef); 6] = [
            ("sha256-hex", Arc::new(StringArray::from(vec![HASH.to_owned(), HASH.to_uppercase()]))),
            ("sha256-bytes", Arc::new(BinaryArray::from_vec(vec![&bytes(HASH), &bytes(HASH)]))),
            ("hmac-hex", Arc::new(StringArray::from(vec![TOKEN.to_uppercase(), TOKEN.to_owned()]))),
            ("hmac-bytes", Arc::new(BinaryArray::from_vec(vec![&bytes(TOKEN), &bytes(TOKEN)]))),
            (
                "hmac-bytes",
                cast(
                    &(Arc::new(BinaryArray::from_vec(vec![&bytes(TOKEN), &bytes(TOKEN)]))
                        as ArrayRef),
                    &DataType::BinaryView,
                )
                .unwrap(),
            ),
            (
                "hmac-bytes",
                Arc::new(
                    FixedSizeBinaryArray::try_from_iter([bytes(TOKEN), bytes(TOKEN)].iter())
                        .unwrap(),
                ),
            ),
        ];
        for (form, column) in forms {
            let found = shown(&tokens.hashed("email", form, &column).unwrap());
            assert_eq!(found, vec![Some(TOKEN.to_owned()); 2], "{form}");
        }
    }

    #[test]
    fn what_is_no_hash_fails_without_its_value() {
        let tokens = Tokens::new(&[7; 32]);
        let long = format!("{HASH}0");
        let foreign = format!("{}g", &HASH[1..]);
        for bad in ["", "a@x.io", &HASH[1..], &long, &foreign] {
            let column: ArrayRef = Arc::new(StringArray::from(vec![HASH, bad]));
            for form in ["sha256-hex", "hmac-hex", "sha256-bytes", "hmac-bytes"] {
                let error = tokens.hashed("email", form, &column).unwrap_err().to_string();
                assert!(bad.is_empty() || !error.contains(bad), "{error}");
            }
        }
    }
}
