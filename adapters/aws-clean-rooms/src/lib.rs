//! AWS Clean Rooms: what it can hold of an agreement, and where that ends. Must not know the gateway, other adapters or HTTP.

mod assess;

pub use assess::assess;

#[cfg(test)]
mod tests;
