//! The threshold as the engine calls it: `airlock_at_least(count, min, …)`. It also counts the groups that it withheld.

use arrow::array::{Array, AsArray, BooleanArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The function of one run. Volatile: the engine may neither fold nor repeat it.
#[derive(Debug)]
pub(crate) struct AtLeast {
    withheld: Arc<AtomicU64>,
    signature: Signature,
}

impl AtLeast {
    pub(crate) fn new(withheld: Arc<AtomicU64>) -> Self {
        Self { withheld, signature: Signature::variadic_any(Volatility::Volatile) }
    }
}

// There is one in a run's context.
impl PartialEq for AtLeast {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for AtLeast {}

impl Hash for AtLeast {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl ScalarUDFImpl for AtLeast {
    fn name(&self) -> &'static str {
        "airlock_at_least"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let mut passes = vec![true; args.number_rows];
        for pair in args.args.chunks(2) {
            let [count, min] = pair else {
                passes.fill(false);
                break;
            };
            let (count, min) = (numbers(count, args.number_rows)?, numbers(min, args.number_rows)?);
            let pairs =
                count.as_primitive::<Int64Type>().iter().zip(min.as_primitive::<Int64Type>());
            for (pass, (count, min)) in passes.iter_mut().zip(pairs) {
                *pass &= count.zip(min).is_some_and(|(count, min)| count >= min);
            }
        }
        let held = passes.iter().filter(|pass| !**pass).count();
        self.withheld.fetch_add(held as u64, Ordering::Relaxed);
        Ok(ColumnarValue::Array(Arc::new(BooleanArray::from(passes))))
    }
}

fn numbers(value: &ColumnarValue, rows: usize) -> Result<Arc<dyn Array>> {
    Ok(cast(&value.clone().into_array(rows)?, &DataType::Int64)?)
}
