//! The `crosspoint` binary; what it can do is in `cli.rs`.

/// Calls make and drop many small texts; this one costs less of the CPU than the system's allocator
/// and gives back what a burst of calls took.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    crosspoint::cli::run()
}
