//! The `crosspoint` binary; what it can do is in `cli.rs`.

fn main() -> std::process::ExitCode {
    crosspoint::cli::run()
}
