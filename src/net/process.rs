//! The process: its signals.

use super::{Arrival, Inbox};

/// Turns SIGTERM and SIGINT into [`Arrival::Stop`]: the first drains, the second ends at once.
///
/// # Errors
/// Where the system does not let signals be taken.
pub fn stop_on_signals(inbox: Inbox) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => tracing::info!("SIGTERM: no new calls, running ones go on"),
                _ = interrupt.recv() => tracing::info!("interrupted: no new calls"),
            }
            inbox.put(Arrival::Stop).await;
        }
    });
    Ok(())
}
