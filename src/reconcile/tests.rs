//! What a pass promises, call by call: over the real log in a store that can fail, against platforms that do what each test says.

mod closing;
mod found;
mod giving;
mod house;
mod platform;
mod settling;
mod store;
mod taking;

use super::*;
use house::{AWS, House, SNOW, dataset, member};
