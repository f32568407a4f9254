//! A client of Snowflake's SQL API v2: statements are submitted, followed, cancelled, and their results read as Arrow.
//! Must not know what any statement is for, nor agreements, rooms or adapters.
//!
//! Whatever Snowflake says in words stays outside: its texts may quote the statement. Codes, HTTP statuses and handles are
//! kept as data (`Error`). A statement's text, its bindings, keys and tokens have no `Debug` that shows them.
//!
//! ```no_run
//! # use snowflake_sql_api::*;
//! # use std::sync::Arc;
//! # async fn example(pem: &str, clock: Clock) -> std::result::Result<(), Box<dyn std::error::Error>> {
//! let account: AccountIdentifier = "ACME-PROVIDER".parse()?;
//! let tokens = KeyPairTokens::new(&account, "GATEWAY", KeyPair::from_pem(pem)?, Arc::clone(&clock))?;
//! let address = Address::of_account(&account)?;
//! let client = Client::new(address, Arc::new(tokens), clock, Settings::default())?;
//! let share = Identifier::new("TRIAL")?;
//! let shown = Statement::new(format!("SHOW GRANTS TO SHARE {share}"));
//! let table = client.execute(&shown, Call::random()?).await?.table().await?;
//! let names = table.column("name");
//! # let _ = names;
//! # Ok(())
//! # }
//! ```

mod account;
mod address;
mod answer;
mod backoff;
mod binding;
mod call;
mod client;
mod columns;
mod decode;
mod error;
mod error_kind;
mod guard;
mod gzip;
mod handle;
mod http_date;
mod identifier;
mod key;
mod key_pair_tokens;
mod meaning;
mod request_id;
mod result_set;
mod rows;
mod settings;
mod statement;
mod submit;
#[cfg(test)]
mod tests;
mod tokens;
mod transport;

pub use account::AccountIdentifier;
pub use address::Address;
pub use binding::{Binding, BindingType};
pub use call::Call;
pub use client::{Canceled, Client, Progress};
pub use columns::{Column, ColumnType};
pub use error::{Error, ErrorKind, Fate, Fault, Invalid, Result};
pub use handle::Handle;
pub use identifier::{Identifier, text_literal};
pub use key::{KeyError, KeyPair};
pub use key_pair_tokens::KeyPairTokens;
pub use request_id::RequestId;
pub use result_set::{ResultSet, Table};
pub use settings::{Limits, Pace, Settings};
pub use statement::{Context, Statement};
pub use tokens::{Clock, FetchedTokens, Renewal, Token, TokenKind, TokenUnavailable, Tokens};
