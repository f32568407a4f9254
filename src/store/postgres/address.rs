//! Where a `PostgreSQL` store is, and how one gets in. Shows everything but the password; must not know where it came from.

use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use std::fmt;
use std::net::IpAddr;
use url::Url;

/// What may stand behind the `?`. The driver would log what it doesn't know, value and all.
const PARAMETERS: [&str; 5] = ["host", "sslmode", "sslrootcert", "sslcert", "sslkey"];

/// Why this is no address. Never says what was given: there may be a password in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not a URL of the right kind.
    #[error("not a URL postgres://ROLE@HOST[:PORT]/DATABASE")]
    Malformed,
    /// A parameter that isn't one of those.
    #[error("a parameter other than host, sslmode, sslrootcert, sslcert and sslkey")]
    Parameter,
}

/// A `PostgreSQL` database and how one gets in.
#[derive(Clone)]
pub struct Address {
    options: PgConnectOptions,
    shown: String,
}

impl Address {
    /// The database of a URL. Its password is this one, or else the URL's own, or else what libpq would take: `PGPASSWORD`,
    /// `PGPASSFILE`, `~/.pgpass`. A server on another machine is spoken to over verified TLS unless `sslmode` says otherwise.
    pub fn new(url: &str, password: Option<&str>) -> Result<Self, AddressError> {
        let url = parsed(url)?;
        let names = || url.query_pairs().map(|(name, _)| name);
        if names().any(|name| !PARAMETERS.contains(&&*name)) {
            return Err(AddressError::Parameter);
        }
        let mut options = PgConnectOptions::from_url(&url).map_err(|_| AddressError::Malformed)?;
        let said = names().any(|name| name == "sslmode") || std::env::var_os("PGSSLMODE").is_some();
        if !said && !is_here(&options) {
            options = options.ssl_mode(PgSslMode::VerifyFull);
        }
        if let Some(password) = password {
            options = options.password(password);
        }
        let options = options.application_name("airlock").disable_statement_logging();
        let shown = shown(&options);
        Ok(Self { options, shown })
    }

    /// Whether a URL holds a password.
    #[must_use]
    pub fn holds_password(url: &str) -> bool {
        parsed(url).is_ok_and(|url| url.password().is_some())
    }

    pub(super) fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }
}

fn parsed(url: &str) -> Result<Url, AddressError> {
    let url = Url::parse(url).map_err(|_| AddressError::Malformed)?;
    let ours = matches!(url.scheme(), "postgres" | "postgresql");
    // The driver knows no fragments: one is what an unescaped password leaves behind.
    (ours && url.fragment().is_none()).then_some(url).ok_or(AddressError::Malformed)
}

/// Whether the server is reached without leaving the machine.
fn is_here(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    options.get_socket().is_some()
        || host.starts_with('/')
        || host == "localhost"
        || address.is_ok_and(|address| address.is_loopback())
}

fn shown(options: &PgConnectOptions) -> String {
    let host = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    let database = options.get_database().unwrap_or(options.get_username());
    format!("postgres://{}@{host}/{database}", options.get_username())
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}
