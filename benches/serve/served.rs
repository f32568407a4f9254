//! The real program while it serves: where it is, what it takes by the kernel's counts, and how it ends. Must not know what is asked.

use crate::gateways::Gateway;
use crate::{Fallible, say};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// The kernel counts in hundredths of a second towards programs.
const TICK_MS: u64 = 10;
const READY_WITHIN: Duration = Duration::from_mins(2);
const ROLES: [&str; 5] = ["member-admin", "data-steward", "analyst", "privacy-officer", "auditor"];

/// The same.
pub(crate) struct Served<'a> {
    gateway: &'a Gateway,
    child: Child,
    place: SocketAddr,
}

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_airlock"))
}

impl<'a> Served<'a> {
    pub(crate) fn start(gateway: &'a Gateway) -> Fallible<Self> {
        gateway.set("[http]\ndevelopment_issuer = true\n")?;
        let mut command = gateway.command(program());
        command.args(["--json", "serve", "--listen", "127.0.0.1:0"]);
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut line = String::new();
        let out = child.stdout.as_mut().ok_or("it says nothing")?;
        BufReader::new(out).read_line(&mut line)?;
        let said: Value = serde_json::from_str(&line)?;
        let place =
            said.get("listening").and_then(Value::as_str).ok_or("it does not listen")?.parse()?;
        Ok(Self { gateway, child, place })
    }

    pub(crate) const fn place(&self) -> SocketAddr {
        self.place
    }

    /// Waits until it says that it is ready.
    pub(crate) fn ready(&self) -> Fallible {
        let since = Instant::now();
        let text =
            format!("GET /readyz HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.place);
        while since.elapsed() < READY_WITHIN {
            let mut answer = String::new();
            let mut stream = TcpStream::connect(self.place)?;
            stream.write_all(text.as_bytes())?;
            stream.read_to_string(&mut answer)?;
            if answer.starts_with("HTTP/1.1 200") {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Err("it is never ready".into())
    }

    /// A token in a member's name, with all of its roles.
    pub(crate) fn token(&self, member: &str) -> Fallible<String> {
        let mut command = self.gateway.command(program());
        command.args(["--json", "token", "--as", member]);
        for role in ROLES {
            command.args(["--role", role]);
        }
        let said: Value = serde_json::from_slice(&command.output()?.stdout)?;
        Ok(said.get("token").and_then(Value::as_str).ok_or("no token")?.to_owned())
    }

    /// What it has used of processors, in ms, and when.
    pub(crate) fn taken(&self) -> Fallible<(u64, Instant)> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let (_, fields) = stat.rsplit_once(')').ok_or("no process")?;
        let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
        Ok((ticks.sum::<Result<u64, _>>()? * TICK_MS, Instant::now()))
    }

    /// Says what it used since then, in all and for each of so many answers.
    #[expect(clippy::cast_precision_loss, reason = "figures to be printed")]
    pub(crate) fn told(&self, (before, since): (u64, Instant), answers: usize) -> Fallible {
        let spent = self.taken()?.0 - before;
        let share = spent as f64 / since.elapsed().as_secs_f64() / 10.0;
        let each = spent as f64 * 1_000.0 / answers.max(1) as f64;
        say(&format!(
            "  the gateway took {share:.0} % of a core, {each:.0} µs an answer, and is {} MiB large",
            self.resident_mib("VmRSS:")?
        ))
    }

    pub(crate) fn resident_mib(&self, line: &str) -> Fallible<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let found = status.lines().find_map(|found| found.strip_prefix(line));
        let kilobytes =
            found.and_then(|text| text.split_whitespace().next()).ok_or("no process")?;
        Ok(kilobytes.parse::<u64>()? / 1024)
    }

    pub(crate) fn end(mut self) -> Fallible {
        let id = self.child.id().to_string();
        std::process::Command::new("kill").args(["-TERM", &id]).status()?;
        let ended = self.child.wait()?;
        if ended.success() { Ok(()) } else { Err(format!("the gateway ended with {ended}").into()) }
    }
}

impl Drop for Served<'_> {
    fn drop(&mut self) {
        // Of one that ended there is nothing to end.
        drop(self.child.kill());
    }
}
