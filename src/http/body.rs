//! A body, read whole and within a bound. Must not know what it says.

use axum::body::{Body, Bytes};
use futures::StreamExt as _;

/// Why a body is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is longer than what is read.
    TooLong,
    /// It ended too early.
    Cut,
}

/// A body, as far as it is not too long.
pub(crate) async fn whole(body: Body, max: usize) -> Result<Bytes, Unread> {
    let (mut whole, mut parts) = (Vec::new(), body.into_data_stream());
    while let Some(part) = parts.next().await {
        let part = part.map_err(|_| Unread::Cut)?;
        if whole.len().saturating_add(part.len()) > max {
            return Err(Unread::TooLong);
        }
        whole.extend_from_slice(&part);
    }
    Ok(whole.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_ends_where_it_is_too_long() {
        let body = |long: usize| Body::from(vec![b'x'; long]);
        assert_eq!(whole(body(8), 8).await.unwrap().len(), 8);
        assert_eq!(whole(body(9), 8).await, Err(Unread::TooLong));
    }
}
