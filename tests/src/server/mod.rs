//! Servers of a test's own, and what can happen to them.

mod postgres;

pub use self::postgres::Postgres;

/// What can happen to the server of a store, or to its file. Each call returns when it has happened.
pub trait Server: Send + Sync + 'static {
    /// Ends it without a warning, as a machine that loses power does; what it acknowledged it must know afterwards.
    fn kill(&self);

    /// Starts it again after [`kill`](Self::kill), on the same port.
    fn start_again(&self);

    /// Lets it answer nobody, while its connections stay open.
    fn pause(&self);

    /// Lets it go on after [`pause`](Self::pause).
    fn resume(&self);
}
