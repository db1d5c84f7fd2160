//! The program `pennon`.

use std::process::ExitCode;

fn main() -> ExitCode {
    pennon_control_plane::cli::run()
}
