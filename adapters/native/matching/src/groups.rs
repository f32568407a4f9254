//! Numbers for the dimension values of one side, and the values back from the numbers; NULL is a group of its own.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Date32Array, Int64Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Int64Type};

use crate::MatchError;

/// Entries of a thread's direct-mapped caches.
const CACHE: usize = 1 << 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Whole,
    Date,
    Boolean,
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "arrow's types are many; all but these are refused"
)]
fn kind_of(data_type: &DataType) -> Option<Kind> {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(Kind::Text),
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32 => Some(Kind::Whole),
        DataType::Date32 => Some(Kind::Date),
        DataType::Boolean => Some(Kind::Boolean),
        DataType::Dictionary(_, values) => kind_of(values).filter(|k| *k == Kind::Text),
        _ => None,
    }
}

/// Values in order of first sight.
#[derive(Debug)]
struct Interned<K> {
    codes: HashMap<K, u32>,
    values: Vec<K>,
}

impl<K: Hash + Eq + Clone> Interned<K> {
    fn new() -> Self {
        Self { codes: HashMap::new(), values: Vec::new() }
    }

    fn code(&mut self, value: K, max: usize) -> Result<u32, MatchError> {
        if let Some(code) = self.codes.get(&value) {
            return Ok(*code);
        }
        let over = MatchError::TooManyGroups { max };
        let code =
            u32::try_from(self.values.len()).map_err(|_| MatchError::TooManyGroups { max })?;
        if self.values.len() >= max {
            return Err(over);
        }
        self.values.push(value.clone());
        self.codes.insert(value, code);
        Ok(code)
    }
}

#[derive(Debug)]
enum Values {
    Text(Mutex<Interned<Option<Box<str>>>>),
    Number(Mutex<Interned<Option<i64>>>),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The groups of one side; shared by the threads that read it.
#[derive(Debug)]
pub struct GroupKeys {
    types: Vec<(DataType, Kind)>,
    columns: Vec<Values>,
    /// For each column after the first: (group so far, code of the column).
    pairs: Vec<Mutex<Interned<(u32, u32)>>>,
    groups_max: usize,
}

impl GroupKeys {
    /// Groups over columns of these types: text, whole numbers up to 64 bits signed, dates, Booleans.
    pub fn new(types: &[DataType], groups_max: usize) -> Result<Self, MatchError> {
        let refuse = |found: &DataType| MatchError::UnsupportedType {
            place: "group",
            found: found.to_string(),
        };
        let checked = types.iter().map(|t| Ok((t.clone(), kind_of(t).ok_or_else(|| refuse(t))?)));
        let types: Vec<_> = checked.collect::<Result<_, MatchError>>()?;
        let values = |(_, kind): &(DataType, Kind)| match kind {
            Kind::Text => Values::Text(Mutex::new(Interned::new())),
            Kind::Whole | Kind::Date | Kind::Boolean => Values::Number(Mutex::new(Interned::new())),
        };
        Ok(Self {
            columns: types.iter().map(values).collect(),
            pairs: types.iter().skip(1).map(|_| Mutex::new(Interned::new())).collect(),
            types,
            groups_max,
        })
    }

    /// A reader for one thread.
    #[must_use]
    pub fn encoder(self: &Arc<Self>) -> GroupEncoder {
        GroupEncoder {
            keys: Arc::clone(self),
            columns: self.columns.iter().map(|_| Seen::default()).collect(),
            pairs: self.pairs.iter().map(|_| Cached::new()).collect(),
            codes: Vec::new(),
        }
    }

    /// How many groups there are; one where there are no columns.
    #[must_use]
    pub fn len(&self) -> usize {
        match (self.pairs.last(), self.columns.first()) {
            (Some(pairs), _) => lock(pairs).values.len(),
            (None, Some(Values::Text(values))) => lock(values).values.len(),
            (None, Some(Values::Number(values))) => lock(values).values.len(),
            (None, None) => 1,
        }
    }

    /// Whether no group was met yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The dimension columns of the given groups, in the types they were declared with.
    pub fn arrays(&self, groups: &[u32]) -> Result<Vec<ArrayRef>, MatchError> {
        let mut prefix = groups.to_vec();
        let mut columns = Vec::with_capacity(self.columns.len());
        for (n, (values, declared)) in self.columns.iter().zip(&self.types).enumerate().rev() {
            let codes = match n.checked_sub(1).and_then(|n| self.pairs.get(n)) {
                Some(pairs) => {
                    let pairs = lock(pairs);
                    let both = |g: &u32| pairs.values.get(*g as usize).copied();
                    let both: Option<Vec<_>> = prefix.iter().map(both).collect();
                    let (before, codes) = both.ok_or(MatchError::Shape)?.into_iter().unzip();
                    prefix = before;
                    codes
                }
                None => std::mem::take(&mut prefix),
            };
            columns.push(column(values, &codes, declared)?);
        }
        columns.reverse();
        Ok(columns)
    }
}

fn column(
    values: &Values,
    codes: &[u32],
    declared: &(DataType, Kind),
) -> Result<ArrayRef, MatchError> {
    let array: ArrayRef = match values {
        Values::Text(values) => {
            let values = lock(values);
            let value = |c: &u32| values.values.get(*c as usize).map(|v| v.as_deref());
            let values: Option<StringArray> =
                codes.iter().map(value).collect::<Option<Vec<_>>>().map(StringArray::from);
            Arc::new(values.ok_or(MatchError::Shape)?)
        }
        Values::Number(values) => {
            let values = lock(values);
            let value = |c: &u32| values.values.get(*c as usize).copied();
            let values: Option<Vec<Option<i64>>> = codes.iter().map(value).collect();
            numbers(values.ok_or(MatchError::Shape)?, declared.1)
        }
    };
    if array.data_type() == &declared.0 {
        return Ok(array);
    }
    cast(&array, &declared.0).map_err(|_| MatchError::Shape)
}

fn numbers(values: Vec<Option<i64>>, kind: Kind) -> ArrayRef {
    let day = |v: i64| i32::try_from(v).unwrap_or(0);
    match kind {
        Kind::Boolean => {
            Arc::new(values.into_iter().map(|v| v.map(|v| v != 0)).collect::<BooleanArray>())
        }
        Kind::Date => Arc::new(values.into_iter().map(|v| v.map(day)).collect::<Date32Array>()),
        Kind::Whole | Kind::Text => Arc::new(Int64Array::from(values)),
    }
}

/// What one thread has met of a key, in front of the shared table.
#[derive(Debug)]
struct Cached<K> {
    slots: Vec<Option<(K, u32)>>,
}

impl<K: PartialEq + Copy> Cached<K> {
    fn new() -> Self {
        Self { slots: vec![None; CACHE] }
    }

    #[inline]
    fn code(
        &mut self,
        key: K,
        mix: u64,
        miss: impl FnOnce() -> Result<u32, MatchError>,
    ) -> Result<u32, MatchError> {
        let place = mix.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54;
        let slot = usize::try_from(place).ok().and_then(|p| self.slots.get_mut(p));
        match slot {
            Some(Some((known, code))) if *known == key => Ok(*code),
            Some(slot) => {
                let code = miss()?;
                *slot = Some((key, code));
                Ok(code)
            }
            None => miss(),
        }
    }
}

#[derive(Debug, Default)]
struct Seen {
    short: Option<Cached<(u128, usize)>>,
    number: Option<Cached<i64>>,
    null: Option<u32>,
}

/// One thread's reader of dimension columns.
#[derive(Debug)]
pub struct GroupEncoder {
    keys: Arc<GroupKeys>,
    columns: Vec<Seen>,
    pairs: Vec<Cached<(u32, u32)>>,
    codes: Vec<u32>,
}

impl GroupEncoder {
    /// Replaces `groups` by the group of each row; empties it where there are no columns.
    pub fn encode(
        &mut self,
        columns: &[ArrayRef],
        groups: &mut Vec<u32>,
    ) -> Result<(), MatchError> {
        groups.clear();
        if columns.len() != self.keys.columns.len() {
            return Err(MatchError::Shape);
        }
        let rows = columns.first().map_or(0, Array::len);
        let max = self.keys.groups_max;
        for (n, array) in columns.iter().enumerate() {
            let (Some(values), Some(seen)) = (self.keys.columns.get(n), self.columns.get_mut(n))
            else {
                return Err(MatchError::Shape);
            };
            if array.len() != rows {
                return Err(MatchError::Shape);
            }
            let Some(before) = n.checked_sub(1) else {
                codes_of(array, values, seen, max, groups)?;
                continue;
            };
            self.codes.clear();
            codes_of(array, values, seen, max, &mut self.codes)?;
            let (Some(table), Some(cached)) =
                (self.keys.pairs.get(before), self.pairs.get_mut(before))
            else {
                return Err(MatchError::Shape);
            };
            for (group, code) in groups.iter_mut().zip(&self.codes) {
                let pair = (*group, *code);
                let mix = u64::from(pair.0) << 32 | u64::from(pair.1);
                *group = cached.code(pair, mix, || lock(table).code(pair, max))?;
            }
        }
        Ok(())
    }
}

fn codes_of(
    array: &ArrayRef,
    values: &Values,
    seen: &mut Seen,
    max: usize,
    codes: &mut Vec<u32>,
) -> Result<(), MatchError> {
    let refuse =
        || MatchError::UnsupportedType { place: "group", found: array.data_type().to_string() };
    match (values, kind_of(array.data_type()).ok_or_else(refuse)?) {
        (Values::Text(values), Kind::Text) => texts(array, values, seen, max, codes),
        (Values::Number(values), Kind::Whole) => {
            let array = cast(array, &DataType::Int64).map_err(|_| refuse())?;
            whole(array.as_primitive::<Int64Type>().iter(), values, seen, max, codes)
        }
        (Values::Number(values), Kind::Date) => {
            let days = array.as_primitive::<Date32Type>().iter();
            whole(days.map(|d| d.map(i64::from)), values, seen, max, codes)
        }
        (Values::Number(values), Kind::Boolean) => {
            let bits = array.as_boolean().iter();
            whole(bits.map(|b| b.map(i64::from)), values, seen, max, codes)
        }
        (Values::Text(_) | Values::Number(_), _) => Err(MatchError::Shape),
    }
}

type Texts = Mutex<Interned<Option<Box<str>>>>;

#[expect(clippy::wildcard_enum_match_arm, reason = "only text comes here")]
fn texts(
    array: &ArrayRef,
    values: &Texts,
    seen: &mut Seen,
    max: usize,
    codes: &mut Vec<u32>,
) -> Result<(), MatchError> {
    let mut code = |text: Option<&str>| text_code(text, values, seen, max);
    match array.data_type() {
        DataType::Utf8 => append(array.as_string::<i32>().iter(), &mut code, codes),
        DataType::LargeUtf8 => append(array.as_string::<i64>().iter(), &mut code, codes),
        DataType::Utf8View => append(array.as_string_view().iter(), &mut code, codes),
        DataType::Dictionary(_, plain) => {
            let dictionary = array.as_any_dictionary();
            let inner = dictionary.values();
            if inner.len() > array.len() || inner.is_empty() {
                // Many values for few rows: read the rows themselves.
                let array = cast(array, plain).map_err(|_| MatchError::Shape)?;
                return texts(&array, values, seen, max, codes);
            }
            let keys = dictionary.normalized_keys();
            let used = keys.iter().copied().zip(0_usize..);
            let nulls = array.logical_nulls();
            let inner = cast(inner, &DataType::Utf8).map_err(|_| MatchError::Shape)?;
            let inner = inner.as_string::<i32>();
            // A value is numbered when a row first uses it: a dictionary may hold more than its rows do.
            let mut known: Vec<Option<u32>> = vec![None; inner.len()];
            for (key, row) in used {
                if nulls.as_ref().is_some_and(|n| n.is_null(row)) {
                    codes.push(code(None)?);
                    continue;
                }
                let place = known.get_mut(key).ok_or(MatchError::Shape)?;
                let number = match *place {
                    Some(number) => number,
                    None => code(Some(inner.value(key)))?,
                };
                *place = Some(number);
                codes.push(number);
            }
            Ok(())
        }
        _ => Err(MatchError::Shape),
    }
}

fn append<'a>(
    texts: impl Iterator<Item = Option<&'a str>>,
    mut code: impl FnMut(Option<&str>) -> Result<u32, MatchError>,
    codes: &mut Vec<u32>,
) -> Result<(), MatchError> {
    for text in texts {
        codes.push(code(text)?);
    }
    Ok(())
}

fn text_code(
    text: Option<&str>,
    values: &Texts,
    seen: &mut Seen,
    max: usize,
) -> Result<u32, MatchError> {
    let Some(text) = text else {
        if let Some(code) = seen.null {
            return Ok(code);
        }
        let code = lock(values).code(None, max)?;
        seen.null = Some(code);
        return Ok(code);
    };
    let intern = || lock(values).code(Some(Box::from(text)), max);
    let bytes = text.as_bytes();
    let mut packed = [0_u8; 16];
    let Some(head) = packed.get_mut(..bytes.len()) else {
        return intern();
    };
    head.copy_from_slice(bytes);
    let packed = u128::from_le_bytes(packed);
    let mix = u64::try_from((packed ^ packed >> 64) & u128::from(u64::MAX)).unwrap_or(0);
    let short = seen.short.get_or_insert_with(Cached::new);
    short.code((packed, bytes.len()), mix, intern)
}

fn whole(
    numbers: impl Iterator<Item = Option<i64>>,
    values: &Mutex<Interned<Option<i64>>>,
    seen: &mut Seen,
    max: usize,
    codes: &mut Vec<u32>,
) -> Result<(), MatchError> {
    let cached = seen.number.get_or_insert_with(Cached::new);
    for number in numbers {
        let code = match (number, seen.null) {
            (Some(n), _) => {
                cached.code(n, n.cast_unsigned(), || lock(values).code(Some(n), max))?
            }
            (None, Some(code)) => code,
            (None, None) => {
                let code = lock(values).code(None, max)?;
                seen.null = Some(code);
                code
            }
        };
        codes.push(code);
    }
    Ok(())
}
