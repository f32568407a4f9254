//! How a command that goes on is ended: in order by the first signal, at once by the second.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The first signal ends it in order, the second at once.
pub(super) async fn signalled(cancel: CancellationToken) {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    for signals in 0.. {
        tokio::select! {
            asked = tokio::signal::ctrl_c() => if asked.is_err() {
                return;
            },
            _ = terminate.recv() => {}
        }
        if signals > 0 {
            std::process::exit(130);
        }
        cancel.cancel();
    }
}
