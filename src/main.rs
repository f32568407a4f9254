//! The binary: reads arguments, runs one command, turns its outcome into an exit code. Knows nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    airlock::cli::main()
}
