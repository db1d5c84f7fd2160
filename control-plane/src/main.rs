//! The program `pennon`.

use std::process::ExitCode;

/// What an import or a large environment needed for a while goes back to the system, and small requests spend less on memory: glibc's
/// kept twice as much after an import of 10,000 flags.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    pennon_control_plane::cli::run()
}
